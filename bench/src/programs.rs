//! What each program costs by itself: nanoseconds a run inside the kernel's test run, by feature, as a ratio to a
//! program that does nothing, in the same rounds.

use anyhow::{Context, bail};
use aya::programs::{Program, SchedClassifier, Xdp, loaded_programs};
use aya::{Ebpf, TestRun as _, TestRunOptions};
use aya_obj::programs::XdpAttachType;
use ravelin_compile::{NameImage, NameSource};
use ravelin_datapath::{Datapath as _, Switches};
use ravelin_model::{DomainPattern, ListId};

use crate::frames;
use crate::lab::Lab;
use crate::lists::{self, Family, Shape};
use crate::ours::{self, Ours};
use crate::peers;
use crate::report::{Measured, print_table};

/// What the address lists of these cases hold, and how much of it.
const LISTED: Shape = Shape {
    clustered: false,
    prefixes: true,
};
const ENTRIES: u32 = 10_000;

/// Runs of the program in one system call.
const REPEAT: u32 = 100_000;
/// Listed names of the DNS cases.
const NAMES: u32 = 10_000;

const OFF: Switches = Switches {
    statistics: false,
    flow_monitoring: false,
    ddos_protection: false,
    ddos_external_only: false,
    dns_blocklist: false,
    dns_drop: false,
    policy_classifier: false,
    flow_offload: false,
};
const STATISTICS: Switches = Switches {
    statistics: true,
    ..OFF
};
const FLOWS: Switches = Switches {
    flow_monitoring: true,
    ..STATISTICS
};
const SOURCES: Switches = Switches {
    ddos_protection: true,
    ..FLOWS
};
const NAMES_TOO: Switches = Switches {
    dns_blocklist: true,
    ..SOURCES
};
/// Dropping leaves the frame as it is, so that it can be run again and again.
const NAMES_DROPPED: Switches = Switches {
    dns_drop: true,
    ..NAMES_TOO
};

/// Switches, what they are called, and the frame.
type Case = (&'static str, Switches, Vec<u8>);

pub fn run(lab: &Lab, rounds: u32) -> anyhow::Result<()> {
    let mut ours = Ours::load(lab)?;
    let entries = Family::BOTH
        .map(|family| lists::entries(family, LISTED, ENTRIES))
        .concat();
    ours.list(&entries)?;
    load_names(&mut ours)?;
    let null = peers::null_programs()?;
    for (program, floor, cases) in [
        ("rv_xdp", "bench_pass", cases()),
        ("rv_ingress", "bench_next", cases()),
        ("rv_egress", "bench_next", cases().into_iter().take(3).collect()),
    ] {
        let floor = Runner::of_null(&null, floor)?;
        let runner = Runner::of_ours(&ours, program)?;
        let mut measured = vec![Measured::new(format!("null {}", floor.kind()))];
        measured.extend(
            cases
                .iter()
                .map(|(name, ..)| Measured::new(format!("{program}, {name}"))),
        );
        for _ in 0..rounds {
            measured[0].add(floor.run(&cases[0].2)?);
            for (case, (_, switches, frame)) in measured[1..].iter_mut().zip(&cases) {
                ours.parts.datapath.set_switches(*switches)?;
                case.add(runner.run(frame)?);
            }
        }
        print_table(&format!("{program} by itself"), &measured);
    }
    ours::remove(&lab.bpffs)
}

fn cases() -> Vec<Case> {
    let udp4 = frames::udp(Family::Ipv4.destination());
    let udp6 = frames::udp(Family::Ipv6.destination());
    let listed4 = from_listed(Family::Ipv4, udp4.clone());
    let listed6 = from_listed(Family::Ipv6, udp6.clone());
    vec![
        ("every feature off", OFF, udp4.clone()),
        ("statistics", STATISTICS, udp4.clone()),
        ("+ flow_monitoring", FLOWS, udp4.clone()),
        ("+ ddos_protection, source not listed", SOURCES, udp4.clone()),
        ("the same, IPv6", SOURCES, udp6),
        ("source listed, dropped", SOURCES, listed4),
        ("the same, IPv6", SOURCES, listed6),
        ("+ dns_blocklist, not DNS", NAMES_TOO, udp4),
        (
            "a query for a clean name",
            NAMES_TOO,
            frames::query("www.clean.example.org"),
        ),
        (
            "a query for a listed name, dropped",
            NAMES_DROPPED,
            frames::query("www.listed7.example"),
        ),
    ]
}

/// The frame, sent by the first source of the family's list.
fn from_listed(family: Family, frame: Vec<u8>) -> Vec<u8> {
    let source = lists::listed_sources(&lists::entries(family, LISTED, ENTRIES))[0];
    frames::from(source, frame)
}

fn load_names(ours: &mut Ours) -> anyhow::Result<()> {
    let list: ListId = ListId::DNS_BLOCKLIST.parse()?;
    let patterns: Vec<DomainPattern> = (0..NAMES)
        .map(|index| format!("listed{index}.example").parse())
        .collect::<Result<_, _>>()?;
    let sources: Vec<NameSource<'_>> = patterns
        .iter()
        .map(|pattern| NameSource { pattern, list: &list })
        .collect();
    let datapath = &mut ours.parts.datapath;
    let image = NameImage::build(&sources, 0x5eed, datapath.name_bucket_capacity())?;
    Ok(datapath.load_names(&image)?)
}

/// A loaded program that can be run.
enum Runner {
    Xdp(Xdp),
    Classifier(SchedClassifier),
}

impl Runner {
    fn of_ours(ours: &Ours, name: &'static str) -> anyhow::Result<Self> {
        let programs = ours.parts.datapath.programs()?;
        let ours = programs.iter().find(|program| program.name == name);
        let id = ours.with_context(|| format!("program {name} is not loaded"))?.id;
        let info = loaded_programs()
            .filter_map(Result::ok)
            .find(|program| program.id() == id);
        let info = info.with_context(|| format!("program {name} is gone"))?;
        Ok(if name == "rv_xdp" {
            Self::Xdp(Xdp::from_program_info(
                info,
                name.into(),
                XdpAttachType::Interface,
            )?)
        } else {
            Self::Classifier(SchedClassifier::from_program_info(info, name.into())?)
        })
    }

    fn of_null(null: &Ebpf, name: &'static str) -> anyhow::Result<Self> {
        let program = null.program(name).with_context(|| format!("program {name}"))?;
        Ok(match program {
            Program::Xdp(xdp) => Self::Xdp(Xdp::from_program_info(
                xdp.info()?,
                name.into(),
                XdpAttachType::Interface,
            )?),
            Program::SchedClassifier(classifier) => Self::Classifier(SchedClassifier::from_program_info(
                classifier.info()?,
                name.into(),
            )?),
            _ => bail!("program {name} is of another type"),
        })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Xdp(_) => "XDP program",
            Self::Classifier(_) => "tc program",
        }
    }

    fn run(&self, frame: &[u8]) -> anyhow::Result<f64> {
        let options = || TestRunOptions {
            data_in: Some(frame),
            repeat: REPEAT,
            ..TestRunOptions::new()
        };
        let result = match self {
            Self::Xdp(program) => program.test_run(options())?,
            Self::Classifier(program) => program.test_run(options())?,
        };
        Ok(result.duration.as_secs_f64() * 1e9)
    }
}
