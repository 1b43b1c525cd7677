//! Which live connections, on the command line.

use clap::Args;
use serde_json::{Map, Value};

/// Connections that everything given fits.
#[derive(Debug, Args)]
pub struct Filter {
    /// Only this protocol: tcp, udp, sctp, icmp, icmpv6, esp, gre, or a number.
    #[arg(long)]
    protocol: Option<String>,
    /// Only those begun by this address or prefix.
    #[arg(long, value_name = "ADDRESS")]
    source: Option<String>,
    /// Only those to this address or prefix.
    #[arg(long, value_name = "ADDRESS")]
    destination: Option<String>,
    /// Only those with either side at this address or prefix.
    #[arg(long)]
    address: Option<String>,
    /// Only those to this port.
    #[arg(long)]
    port: Option<u16>,
    /// Only from or to this zone, by id or name.
    #[arg(long)]
    zone: Option<String>,
    /// Only those this rule let in, by id or name.
    #[arg(long)]
    rule: Option<String>,
    /// Only those in this state, such as established or unreplied.
    #[arg(long)]
    state: Option<String>,
    /// Only those forwarded by this: no, xdp, flowtable or hw.
    #[arg(long)]
    offload: Option<String>,
    /// Only those translated like this: snat, dnat, any or none.
    #[arg(long)]
    nat: Option<String>,
}

impl Filter {
    /// As fields of a query.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let Self {
            protocol,
            source,
            destination,
            address,
            port,
            zone,
            rule,
            state,
            offload,
            nat,
        } = self;
        let port = port.map(|port| port.to_string());
        let given = [
            ("protocol", protocol),
            ("source", source),
            ("destination", destination),
            ("address", address),
            ("port", &port),
            ("zone", zone),
            ("rule", rule),
            ("state", state),
            ("offload", offload),
            ("nat", nat),
        ];
        given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect()
    }

    /// As a member of a body.
    pub fn json(&self) -> Value {
        let member = |(name, value): (&str, String)| {
            // Numbers are numbers there.
            let number = value
                .parse::<u64>()
                .ok()
                .filter(|_| matches!(name, "port" | "protocol"));
            (name.to_owned(), number.map_or(Value::from(value), Value::from))
        };
        Value::Object(self.query().into_iter().map(member).collect::<Map<_, _>>())
    }
}
