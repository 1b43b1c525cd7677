//! What the console shows.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ipnet::IpNet;
use ravelin_api_types::{
    Interface, Page as Items, PolicyDocument, PolicyState, Problem, Readiness, RecoveryState, StateCondition,
    System,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;

use super::Arguments;
use crate::api::{Answer, Api};
use crate::error::CliError;
use crate::output::word;
use crate::recovery_text;

/// What can be chosen.
const MENU: &str = "1 first token  2 LAN address  3 log  4 reboot  5 power off  6 factory reset  7 shell";

/// Time the gateway has to take a connection of its own machine.
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(1);

/// The state of the appliance in lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    lines: Vec<String>,
    enforced: bool,
    gateway: bool,
    certificate: bool,
    url: Option<String>,
}

impl Page {
    /// Asks the engine for it.
    pub async fn read(api: &Api, arguments: &Arguments) -> Self {
        let mut page = Self::default();
        let readiness = match api.readiness().await {
            Ok(readiness) => readiness,
            Err(error) => {
                page.unreachable(&error);
                page.certificate(&arguments.certificate);
                return page;
            }
        };
        page.system(api.get(&["system"]).await, api);
        page.readiness(readiness, api);
        page.policy(api.get(&["policy"]).await, api);
        match (addresses(api).await, managed(api).await) {
            (Ok(interfaces), Ok(managed)) => page.addresses(&interfaces, &managed),
            (Err(error), _) | (_, Err(error)) => page.failed("addresses", &error),
        }
        page.gateway(arguments.gateway).await;
        page.certificate(&arguments.certificate);
        page
    }

    /// Lines without line feeds.
    pub fn lines(&self) -> Vec<String> {
        let rule = "-".repeat(72);
        let mut lines = vec![String::new(), rule.clone()];
        lines.extend(self.lines.iter().cloned());
        lines.extend([MENU.to_owned(), rule]);
        lines
    }

    /// Where it is managed from, once the policy is in force and the gateway listens with a certificate.
    pub fn ready_at(&self) -> Option<&str> {
        let ready = self.enforced && self.gateway && self.certificate;
        self.url.as_deref().filter(|_| ready)
    }

    fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn failed(&mut self, what: &str, error: &CliError) {
        let detail = error
            .problem()
            .map_or_else(|| error.to_string(), |problem| problem.detail.clone());
        self.line(format!("{what}: {detail}"));
    }

    fn unreachable(&mut self, error: &CliError) {
        self.line(format!("Ravelin {}", env!("CARGO_PKG_VERSION")));
        self.line(format!("THE ENGINE DOES NOT ANSWER: {error}"));
        self.line(
            "The policy it loaded last is in force, or nothing passes. It is started again by itself; if it",
        );
        self.line(
            "does not come, choose 7 and read `journalctl -b -u raveld`, or restart by `systemctl reboot`.",
        );
    }

    fn system(&mut self, system: Result<Answer, CliError>, api: &Api) {
        let system =
            system.and_then(|answer| serde_json::from_value(answer.body).map_err(|error| api.strange(error)));
        let System {
            version,
            image_version,
            booted_slot,
            trial,
            state_partition,
            recovery,
            ..
        } = match system {
            Ok(system) => system,
            Err(error) => {
                self.line(format!("Ravelin {}", env!("CARGO_PKG_VERSION")));
                self.failed("system", &error);
                return;
            }
        };
        let slot = booted_slot
            .map(|slot| format!(", slot {}", word(&slot)))
            .unwrap_or_default();
        let trial = trial.map_or(
            "",
            |_| ", on trial: changes are refused until it has shown that it works",
        );
        self.line(format!(
            "Ravelin {}{slot}{trial}",
            image_version.unwrap_or(version)
        ));
        match state_partition {
            None | Some(StateCondition::Ok) => {}
            Some(StateCondition::Repaired) => {
                self.line("the state partition was repaired; something may be missing")
            }
            Some(StateCondition::Lost) => {
                self.line("THE STATE PARTITION IS LOST: what is set now is gone at the next restart");
            }
        }
        if recovery.state != RecoveryState::None {
            self.line(format!("RECOVERY: {}", recovery_text::describe(&recovery)));
        }
    }

    fn readiness(&mut self, readiness: Result<Value, Problem>, api: &Api) {
        match readiness {
            Ok(body) => match api.read::<Readiness>(body) {
                Ok(Readiness { revision, .. }) => self.line(format!("health: ready, at revision {revision}")),
                Err(error) => self.line(format!("health: {error}")),
            },
            Err(problem) => self.line(format!("health: NOT READY: {}", problem.detail)),
        }
    }

    /// Packets are judged, whatever feature is not at work.
    fn policy(&mut self, policy: Result<Answer, CliError>, api: &Api) {
        match policy.and_then(|answer| api.read::<PolicyState>(answer.body)) {
            Ok(policy) => self.enforced = policy.enforced && policy.problems.is_empty(),
            Err(error) => self.failed("policy", &error),
        }
    }

    fn addresses(&mut self, interfaces: &[Interface], managed: &[String]) {
        for interface in interfaces.iter().filter(|interface| !interface.loopback) {
            let own: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
            if own.is_empty() && !managed.contains(&interface.name) {
                continue;
            }
            let own = if own.is_empty() {
                "no address".to_owned()
            } else {
                own.join(", ")
            };
            self.line(format!("{}: {own}", interface.name));
        }
        self.url = managed.iter().find_map(|name| {
            let interface = interfaces.iter().find(|interface| interface.name == *name)?;
            url(&interface.addresses.iter().map(|own| own.0).collect::<Vec<_>>())
        });
        match &self.url {
            Some(url) => self.line(format!("manage it at {url}")),
            None if managed.is_empty() => {
                self.line("no interface is in a zone with management: use 7, `ravelin zones`");
            }
            None => self.line("no interface with management has an address yet"),
        }
    }

    async fn gateway(&mut self, address: SocketAddr) {
        let connected = tokio::time::timeout(GATEWAY_TIMEOUT, TcpStream::connect(address)).await;
        self.gateway = matches!(connected, Ok(Ok(_)));
        if !self.gateway {
            self.line("the gateway does not listen yet: nothing is managed over the network");
        }
    }

    fn certificate(&mut self, path: &Path) {
        let fingerprint = fingerprint(path);
        self.certificate = fingerprint.is_some();
        match fingerprint {
            Some(fingerprint) => self.line(format!("certificate SHA-256 {fingerprint}")),
            None => self.line("no certificate yet: the gateway makes one when it starts"),
        }
        self.line("first token: choose 1");
    }
}

async fn addresses(api: &Api) -> Result<Vec<Interface>, CliError> {
    let page: Items<Interface> = api.read(api.collect(&["interfaces"], &[], None).await?)?;
    Ok(page.items)
}

/// Interfaces of zones the box can be managed from, in the order of the policy.
async fn managed(api: &Api) -> Result<Vec<String>, CliError> {
    let policy: PolicyDocument = api.read(api.get(&["config"]).await?.body)?;
    let zones = policy.zones.into_iter().map(|zone| zone.spec);
    Ok(zones
        .filter(|zone| zone.management)
        .flat_map(|zone| zone.interfaces)
        .collect())
}

/// By IPv4 where there is an address; link-local ones need more than a URL can say.
fn url(addresses: &[IpNet]) -> Option<String> {
    let usable = |address: &IpAddr| match address {
        IpAddr::V4(address) => !address.is_link_local(),
        IpAddr::V6(address) => !address.is_unicast_link_local(),
    };
    let address = addresses.iter().map(IpNet::addr).find(usable)?;
    Some(match address {
        IpAddr::V4(address) => format!("https://{address}/"),
        IpAddr::V6(address) => format!("https://[{address}]/"),
    })
}

/// SHA-256 of the first certificate of a file, as browsers show it.
fn fingerprint(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_whitespace().collect();
    let der = BASE64_STANDARD.decode(body).ok()?;
    let digits: Vec<String> = Sha256::digest(der)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    Some(digits.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_that_of_an_address_others_reach() {
        let check = |addresses: &[&str], expected: Option<&str>| {
            let addresses: Vec<IpNet> = addresses.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(url(&addresses).as_deref(), expected);
        };
        check(&["192.168.77.1/24", "fd00::1/64"], Some("https://192.168.77.1/"));
        check(
            &["169.254.3.4/16", "fe80::1/64", "fd00::1/64"],
            Some("https://[fd00::1]/"),
        );
        check(&["fe80::1/64"], None);
    }
}
