use ravelin_compile::NameImage;
use ravelin_datapath::kernel::{KernelConfig, KernelParts, remove_all};
use ravelin_datapath::{AttachTarget, CacheLookups, Datapath as _, DatapathError, Unavailable};
use ravelin_model::{Hook, XdpMode};

use super::rig::{
    CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, Rig, WATCH, image, index_of, ip, keep_capabilities, names, target,
};

#[test]
fn every_hook_of_a_veth_is_attached_with_native_xdp() {
    Rig::run(|rig| {
        let mut parts = rig.load();
        let attached = rig.attach(&mut parts, "wan0");
        let hooks: Vec<_> = attached.attachments.iter().map(|a| (a.hook, a.mode)).collect();
        assert_eq!(
            hooks,
            [
                (Hook::Xdp, Some(XdpMode::Native)),
                (Hook::TcIngress, None),
                (Hook::TcEgress, None)
            ]
        );
        assert!(ip("link show dev wan0").contains(" xdp "));
        let programs = parts.datapath.programs().unwrap();
        for attachment in attached.attachments {
            let program = programs.iter().find(|p| p.id == attachment.program_id).unwrap();
            assert_eq!(program.attachments, [attachment]);
        }
    });
}

#[test]
fn a_program_somebody_took_off_is_listed_no_more_until_it_is_attached_again() {
    Rig::run(|rig| {
        let mut parts = rig.load();
        rig.attach(&mut parts, "wan0");
        let at_work = |parts: &KernelParts| {
            let programs = parts.datapath.programs().unwrap();
            programs
                .iter()
                .map(|program| program.attachments.len())
                .sum::<usize>()
        };
        assert_eq!(at_work(&parts), 3);
        let pin = format!("tc_egress-{}", index_of("wan0"));
        std::fs::remove_file(rig.root().join("links").join(pin)).unwrap();
        assert_eq!(at_work(&parts), 2);
        rig.attach(&mut parts, "wan0");
        assert_eq!(at_work(&parts), 3);
    });
}

#[test]
fn a_device_without_native_xdp_gets_generic_and_says_so() {
    Rig::run(|rig| {
        ip("link add plain0 type bridge");
        let mut parts = rig.load();
        for _ in 0..2 {
            let attached = rig.attach(&mut parts, "plain0");
            assert_eq!(attached.problems, Vec::<String>::new());
            assert_eq!(attached.attachments[0].mode, Some(XdpMode::Generic));
        }
        drop(parts);
        let adopted = rig.attach(&mut rig.load(), "plain0");
        assert_eq!(adopted.attachments[0].mode, Some(XdpMode::Generic));
    });
}

#[test]
fn a_hook_that_is_taken_is_a_problem_and_the_others_hold() {
    Rig::run(|rig| {
        let first = rig.start(WATCH);
        let other = Rig {
            config: KernelConfig {
                bpffs: rig.config.bpffs.clone(),
                flows: 2048,
                ..rig.config.clone()
            },
        };
        // The link of the first is hidden, as that of another program would be.
        let pin = rig.root().join("links").join(format!("xdp-{}", index_of("wan0")));
        let held = aya::programs::links::PinnedLink::from_pin(&pin).unwrap();
        std::fs::remove_file(&pin).unwrap();
        let mut parts = other.load();
        let attached = other.attach(&mut parts, "wan0");
        let hooks: Vec<_> = attached.attachments.iter().map(|a| a.hook).collect();
        assert_eq!(hooks, [Hook::TcIngress, Hook::TcEgress]);
        assert_eq!(
            attached.problems,
            ["cannot attach xdp to wan0: another XDP program sits there, take it off first"]
        );
        drop((held, first));
        let again = other.attach(&mut parts, "wan0");
        assert_eq!(again.problems, Vec::<String>::new());
    });
}

#[test]
fn detaching_takes_every_program_off() {
    Rig::run(|rig| {
        let mut parts = rig.start(WATCH);
        parts.datapath.detach(index_of("wan0")).unwrap();
        assert_eq!(names(&rig.root().join("links")), Vec::<String>::new());
        assert!(!ip("link show dev wan0").contains("xdp"));
        assert_eq!(parts.datapath.statistics().unwrap(), []);
    });
}

#[test]
fn an_index_the_programs_cannot_be_told_is_refused() {
    Rig::run(|rig| {
        let refused = rig.load().datapath.attach(&AttachTarget {
            index: 65536,
            ..target("wan0")
        });
        assert!(matches!(
            refused,
            Err(DatapathError::InterfaceIndex { index: 65536, .. })
        ));
    });
}

#[test]
fn where_there_is_no_bpf_file_system_the_error_says_what_to_do() {
    Rig::run(|rig| {
        let elsewhere = KernelConfig {
            bpffs: "/proc".into(),
            ..rig.config.clone()
        };
        let error = ravelin_datapath::load(&elsewhere, None).unwrap_err();
        assert!(matches!(
            error,
            DatapathError::Unavailable(Unavailable::NoBpfFilesystem { .. })
        ));
        assert!(error.to_string().contains("mount -t bpf bpf /proc"), "{error}");
    });
}

#[test]
fn removing_everything_leaves_nothing() {
    Rig::run(|rig| {
        drop(rig.start(WATCH));
        remove_all(&rig.config.bpffs).unwrap();
        assert!(!rig.root().exists());
        assert!(!ip("link show dev wan0").contains("xdp"));
        // Nothing to remove is no error.
        remove_all(&rig.config.bpffs).unwrap();
    });
}

#[test]
fn three_capabilities_are_enough_for_everything() {
    Rig::run(|rig| {
        keep_capabilities(&[CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF]);
        drop(rig.start(WATCH));
        let mut parts = rig.start(WATCH);
        parts
            .datapath
            .load_addresses(&image(&["10.0.0.0/8", "2001:db8::/32"]))
            .unwrap();
        let names = NameImage::build(&[], 1, 64).unwrap();
        parts.datapath.load_names(&names).unwrap();
        parts.datapath.reset_address_hits(&[0]).unwrap();
        assert_eq!(parts.datapath.statistics().unwrap().len(), 1);
        let figures = parts.datapath.event_figures().unwrap();
        assert_eq!((figures.suppressed, figures.lost), (0, 0));
        assert!(
            parts
                .datapath
                .programs()
                .unwrap()
                .iter()
                .all(|program| program.memory_bytes > 0)
        );
        assert!(
            parts
                .datapath
                .maps()
                .unwrap()
                .iter()
                .all(|map| map.memory_bytes > 0)
        );
        parts.flows.entries6().unwrap();
        let staged = parts.datapath.stage_cache(32).unwrap();
        parts.datapath.use_staged_cache().unwrap();
        parts.cache = staged;
        parts.cache.halt().unwrap();
        assert_eq!(parts.datapath.cache_lookups().unwrap(), CacheLookups::default());
        parts.datapath.detach(index_of("wan0")).unwrap();
        drop(parts);
        remove_all(&rig.config.bpffs).unwrap();
    });
}

#[test]
fn a_missing_capability_is_named() {
    Rig::run(|rig| {
        keep_capabilities(&[CAP_NET_ADMIN, CAP_PERFMON]);
        let error = ravelin_datapath::load(&rig.config, None).unwrap_err();
        assert!(error.to_string().contains("lacks CAP_BPF:"), "{error}");
    });
}
