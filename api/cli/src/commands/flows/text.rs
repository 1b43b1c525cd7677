//! Live connections as people read them.

use std::net::{IpAddr, SocketAddr};

use ravelin_api_types::{Flow, FlowCount, FlowEnd, FlowEndpoint, IpProtocol};

use crate::output::or_empty;
use crate::table::Table;

/// `tcp`, or the number of a protocol without a name here.
pub fn protocol(flow: &Flow) -> String {
    protocol_name(flow.protocol)
}

/// The same by the number alone.
pub fn protocol_name(number: u8) -> String {
    IpProtocol::from(Some(number)).to_string()
}

/// `192.0.2.7:40000`, `[2001:db8::7]:40000`, without port where there is none.
pub fn endpoint(address: IpAddr, port: u16) -> String {
    if port == 0 {
        address.to_string()
    } else {
        SocketAddr::new(address, port).to_string()
    }
}

/// Who began it.
pub fn source(flow: &Flow) -> String {
    // The identifier of ICMP is no port.
    let port = if is_icmp(flow) {
        0
    } else {
        flow.original.source_port
    };
    endpoint(flow.original.source, port)
}

/// The other side.
pub fn destination(flow: &Flow) -> String {
    let port = if is_icmp(flow) {
        0
    } else {
        flow.original.destination_port
    };
    endpoint(flow.original.destination, port)
}

fn is_icmp(flow: &Flow) -> bool {
    matches!(protocol(flow).as_str(), "icmp" | "icmpv6")
}

/// `snat`, `dnat` or both.
pub fn nat(flow: &Flow) -> String {
    let parts = [
        flow.nat.source.map(|_| "snat"),
        flow.nat.destination.map(|_| "dnat"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(",")
}

/// Name of the zone, or of the interface that is in none; nothing where the routes do not tell.
pub fn zone(end: Option<&FlowEnd>) -> String {
    let Some(end) = end else {
        return String::new();
    };
    let zone = end.zone.as_ref().map(|zone| zone.name.clone());
    zone.or_else(|| end.interface.clone())
        .unwrap_or_else(|| "local".to_owned())
}

/// `7s`, `3m12s`, `5h02m`, `3d04h`.
pub fn time(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// Bytes of both directions.
pub fn bytes(flow: &Flow) -> Option<u64> {
    let counts = flow.counts?;
    Some(counts.original.bytes.saturating_add(counts.reply.bytes))
}

/// Bits a second of both directions.
pub fn bits_per_second(flow: &Flow) -> Option<u64> {
    let rate = flow.rate?;
    Some(rate.original_bps.saturating_add(rate.reply_bps))
}

/// `999`, `1.2k`, `34.5M`.
pub fn short(number: u64) -> String {
    const UNITS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let (mut whole, mut tenths, mut unit) = (number, 0, 0);
    while whole >= 1000 {
        tenths = whole % 1000 / 100;
        whole /= 1000;
        unit += 1;
    }
    if unit == 0 {
        whole.to_string()
    } else {
        format!("{whole}.{tenths}{}", UNITS[unit])
    }
}

/// What let it in: the name or id of its rule, or what else it is.
pub fn line(flow: &Flow) -> String {
    let Some(line) = &flow.line else {
        return String::new();
    };
    let name = line.origin_name.as_ref().or(line.origin_id.as_ref());
    name.unwrap_or(&line.origin).clone()
}

/// All that is known of a connection.
pub fn whole(flow: &Flow) -> Table {
    let mut table = Table::new(&["PROPERTY", "VALUE"]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    let becomes = |to: Option<FlowEndpoint>| or_empty(to.map(|to| endpoint(to.address, to.port)));
    let end = |end: Option<&FlowEnd>| {
        let interface = end.and_then(|end| end.interface.clone());
        let interface = interface.map(|interface| format!(" ({interface})"));
        format!("{}{}", zone(end), or_empty(interface))
    };
    let counted = |counts: Option<FlowCount>, bits_per_second: Option<u64>| {
        let rate = bits_per_second.map(|rate| format!(", {} bit/s", short(rate)));
        let counted = counts.map(|count| {
            let FlowCount { packets, bytes } = count;
            format!("{packets} packets, {bytes} bytes{}", or_empty(rate))
        });
        or_empty(counted)
    };
    let (counts, rate) = (flow.counts.as_ref(), flow.rate.as_ref());
    row("id", flow.id.clone());
    row("protocol", protocol(flow));
    row("source", source(flow));
    row("destination", destination(flow));
    row("source becomes", becomes(flow.nat.source));
    row("destination becomes", becomes(flow.nat.destination));
    row("state", flow.state.clone());
    row("status", flow.status.join(","));
    row("from", end(flow.from.as_ref()));
    row("to", end(flow.to.as_ref()));
    row("line", line(flow));
    row("started", or_empty(flow.started_at));
    row("age", or_empty(flow.age_seconds.map(time)));
    row("idle", or_empty(flow.idle_seconds.map(time)));
    row(
        "forgotten in",
        or_empty(flow.timeout_seconds.map(|seconds| time(seconds.into()))),
    );
    row(
        "sent",
        counted(
            counts.map(|counts| counts.original),
            rate.map(|rate| rate.original_bps),
        ),
    );
    row(
        "received",
        counted(counts.map(|counts| counts.reply), rate.map(|rate| rate.reply_bps)),
    );
    row("mark", format!("{:#010x}", flow.mark));
    row("conntrack zone", flow.conntrack_zone.to_string());
    row("offload", flow.offload.clone());
    row("why not faster", or_empty(flow.offload_reason.as_ref()));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_are_short() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (192, "3m12s"),
            (3600, "1h00m"),
            (18_130, "5h02m"),
            (273_600, "3d04h"),
        ] {
            assert_eq!(time(seconds), expected);
        }
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.0k"),
            (1299, "1.2k"),
            (34_567_890, "34.5M"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(short(number), expected);
        }
    }
}
