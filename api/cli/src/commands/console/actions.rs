//! What the menu of the console does.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Stdio;

use ipnet::{IpNet, Ipv4Net};
use ravelin_api_types::{FactoryReset, InterfaceSettings, LogEntry, Page, PolicyDocument};
use reqwest::Method;
use serde_json::{Value, json};

use super::Arguments;
use super::reader::Lines;
use crate::api::{Api, Call};
use crate::error::CliError;
use crate::output::Output;

/// Lines of the log that are shown.
const LOG_LINES: u64 = 40;

/// Does what a line of the menu says. What goes wrong is told and ends nothing.
pub async fn run(
    choice: &str,
    arguments: &Arguments,
    api: &Api,
    lines: &mut Lines,
    output: &mut Output,
) -> Result<(), CliError> {
    let done = match choice {
        "" => return Ok(()),
        "1" => token(arguments, lines, output).await,
        "2" => lan_address(api, lines, output).await,
        "3" => log(api, output).await,
        "4" => power(api, lines, output, "restart", &["system", "reboot"]).await,
        "5" => power(api, lines, output, "power off", &["system", "shutdown"]).await,
        "6" => factory_reset(api, lines, output).await,
        "7" => shell(arguments, output).await,
        _ => say(output, "choose one of the numbers"),
    };
    match done {
        Ok(()) => Ok(()),
        // The terminal is gone.
        Err(CliError::Output(error)) => Err(CliError::Output(error)),
        Err(error) => tell(output, &error),
    }
}

fn say(output: &mut Output, line: &str) -> Result<(), CliError> {
    output.line(line)
}

fn tell(output: &mut Output, error: &CliError) -> Result<(), CliError> {
    say(output, &format!("it did not work: {error}"))?;
    if let Some(problem) = error.problem() {
        say(output, &problem.detail)?;
        for error in &problem.errors {
            say(output, &format!("  {}: {}", error.pointer, error.detail))?;
        }
    }
    if matches!(error, CliError::Unreachable { .. }) {
        say(
            output,
            "the engine does not answer; 7 opens a shell, which can do the same by systemctl",
        )?;
    }
    Ok(())
}

/// Whether the word was typed.
async fn confirmed(
    lines: &mut Lines,
    output: &mut Output,
    question: &str,
    word: &str,
) -> Result<bool, CliError> {
    say(output, question)?;
    output.prompt("? ")?;
    let answer = lines.answer().await.unwrap_or_default();
    if answer == word {
        return Ok(true);
    }
    say(output, "nothing was done")?;
    Ok(false)
}

async fn token(arguments: &Arguments, lines: &mut Lines, output: &mut Output) -> Result<(), CliError> {
    let question =
        "The admin token may do everything, and everybody who sees this screen sees it. Type: show";
    if !confirmed(lines, output, question, "show").await? {
        return Ok(());
    }
    let path = &arguments.admin_token;
    let token = fs::read_to_string(path).map_err(|source| CliError::ReadFile {
        path: path.clone(),
        source,
    })?;
    say(output, token.trim())?;
    say(
        output,
        "buy access tokens with it: POST /api/v1/auth/token, Authorization: Bearer",
    )
}

async fn power(
    api: &Api,
    lines: &mut Lines,
    output: &mut Output,
    what: &str,
    path: &[&str],
) -> Result<(), CliError> {
    if !confirmed(lines, output, &format!("To {what}, type: yes"), "yes").await? {
        return Ok(());
    }
    api.json(Call::new(Method::POST, path)).await?;
    say(output, &format!("the machine will {what}"))
}

async fn factory_reset(api: &Api, lines: &mut Lines, output: &mut Output) -> Result<(), CliError> {
    let question =
        "This deletes everything that was ever set, with keys and logs, and restarts. Type: factory reset";
    if !confirmed(lines, output, question, "factory reset").await? {
        return Ok(());
    }
    let call = Call::new(Method::POST, &["system", "factory-reset"]);
    api.json(call.json(&FactoryReset {
        confirm: FactoryReset::CONFIRMATION.to_owned(),
    }))
    .await?;
    say(output, "the machine restarts as it came")
}

async fn log(api: &Api, output: &mut Output) -> Result<(), CliError> {
    let page = api.collect(&["system", "logs"], &[], Some(LOG_LINES)).await?;
    let page: Page<LogEntry> = api.read(page)?;
    // Newest first.
    for entry in page.items.iter().rev() {
        let who = entry.identifier.as_deref().or(entry.unit.as_deref());
        let line = format!("{} {}: {}", entry.at, who.unwrap_or("?"), entry.message);
        say(output, &line)?;
    }
    Ok(())
}

async fn shell(arguments: &Arguments, output: &mut Output) -> Result<(), CliError> {
    say(output, "`exit` comes back")?;
    let status = tokio::process::Command::new(&arguments.shell)
        .arg("--login")
        .stdin(Stdio::inherit())
        .status()
        .await;
    if let Err(error) = status {
        say(
            output,
            &format!("{} cannot be run: {error}", arguments.shell.display()),
        )?;
    }
    Ok(())
}

/// Gives the interface the box is managed by another IPv4 address.
async fn lan_address(api: &Api, lines: &mut Lines, output: &mut Output) -> Result<(), CliError> {
    let policy: PolicyDocument = api.read(api.get(&["config"]).await?.body)?;
    let mut managed = policy.zones.iter().filter(|zone| zone.spec.management);
    let Some(interface) = managed.find_map(|zone| zone.spec.interfaces.first()) else {
        return say(output, "no interface is in a zone with management");
    };
    say(
        output,
        &format!("address of {interface} with prefix length, such as 192.168.77.1/24"),
    )?;
    output.prompt("? ")?;
    let answer = lines.answer().await.unwrap_or_default();
    let Ok(address) = answer.parse::<Ipv4Net>() else {
        return say(
            output,
            "this is no IPv4 address with a prefix length; nothing was done",
        );
    };
    let page = api.collect(&["interface-settings"], &[], None).await?;
    let page: Page<InterfaceSettings> = api.read(page)?;
    let found = page
        .items
        .iter()
        .find(|settings| settings.spec.interface == *interface);
    let call = match found {
        Some(settings) => {
            let path = ["interface-settings", &settings.id.to_string()];
            let etag = api.get(&path).await?.etag.unwrap_or_else(|| "*".to_owned());
            let has_range = settings.spec.lan_services.dhcp_range.is_some();
            let own: Vec<IpNet> = settings.spec.addresses.iter().map(|own| own.0).collect();
            Call::new(Method::PATCH, &path)
                .if_match(&etag)
                .json(&patch(address, &own, has_range))
        }
        None => Call::new(Method::POST, &["interface-settings"]).json(&json!({
            "interface": interface,
            "addresses": [address.to_string()],
        })),
    };
    api.json(call).await?;
    say(output, &format!("{interface} has {address} now"))
}

/// Settings with another IPv4 address, the same IPv6 ones, and leases from the new network where there were any.
fn patch(address: Ipv4Net, own: &[IpNet], has_range: bool) -> Value {
    let mut addresses = vec![address.to_string()];
    let kept = own.iter().filter(|own| matches!(own.addr(), IpAddr::V6(_)));
    addresses.extend(kept.map(ToString::to_string));
    let mut patch = json!({ "addresses": addresses, "dhcp_client": {"ipv4": false} });
    if has_range {
        let range = leases(address).map(|(first, last)| json!({"first": first, "last": last}));
        patch["lan_services"] = json!({ "dhcp_range": range });
    }
    patch
}

/// The upper half of a network, without the box itself and the address for all; None: it is too small to give any.
fn leases(address: Ipv4Net) -> Option<(Ipv4Addr, Ipv4Addr)> {
    if address.prefix_len() > 29 {
        return None;
    }
    let (network, broadcast) = (address.network().to_bits(), address.broadcast().to_bits());
    let half = network + (broadcast - network) / 2 + 1;
    let own = address.addr().to_bits();
    let (first, last) = if own < half {
        (half, broadcast - 1)
    } else {
        (network + 1, half - 1)
    };
    Some((first.into(), last.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: Option<(&str, &str)>) {
        let found = leases(address.parse().unwrap());
        let expected = expected.map(|(first, last)| (first.parse().unwrap(), last.parse().unwrap()));
        assert_eq!(found, expected, "{address}");
    }

    #[test]
    fn leases_come_from_the_half_the_box_is_not_in() {
        check("192.168.77.1/24", Some(("192.168.77.128", "192.168.77.254")));
        check("192.168.77.254/24", Some(("192.168.77.1", "192.168.77.127")));
        check("10.0.0.1/29", Some(("10.0.0.4", "10.0.0.6")));
        check("10.0.0.1/30", None);
        check("10.0.0.1/32", None);
        check("0.0.0.1/0", Some(("128.0.0.0", "255.255.255.254")));
    }

    #[test]
    fn another_address_keeps_those_of_ipv6_and_drops_leases_there_is_no_room_for() {
        let own = ["192.168.77.1/24".parse().unwrap(), "fd00::1/64".parse().unwrap()];
        let said = patch("10.1.2.3/30".parse().unwrap(), &own, true);
        assert_eq!(said["addresses"], json!(["10.1.2.3/30", "fd00::1/64"]));
        assert_eq!(said["lan_services"], json!({"dhcp_range": null}));
    }
}
