//! Packets each queue of an interface received: command "qstats-get" of family "netdev" of generic netlink
//! (include/uapi/linux/netdev.h, since Linux 6.10).

use std::fmt;

use ravelin_model::{QueuePackets, Told};

use crate::generic::{GenericNetlink, Reply};
use crate::netlink::{Messages, array, attribute};

const NETDEV_CMD_QSTATS_GET: u8 = 12;
const NETDEV_A_QSTATS_IFINDEX: u16 = 1;
const NETDEV_A_QSTATS_QUEUE_TYPE: u16 = 2;
const NETDEV_A_QSTATS_QUEUE_ID: u16 = 3;
const NETDEV_A_QSTATS_SCOPE: u16 = 4;
const NETDEV_A_QSTATS_RX_PACKETS: u16 = 8;
const NETDEV_QSTATS_SCOPE_QUEUE: u32 = 1;
const NETDEV_QUEUE_TYPE_RX: u32 = 0;

/// Asks for them, in the network namespace of the thread that makes it. Blocks.
#[derive(Debug, Default)]
pub struct Queues {
    netlink: Option<GenericNetlink>,
}

impl Queues {
    /// A socket is opened with the first question.
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues that receive, of an interface by its kernel index; by number. Many drivers, that of veth among them, do
    /// not count by queue.
    pub fn packets(&mut self, index: u32) -> Told<Vec<QueuePackets>> {
        let netlink = match self.netlink.take().map_or_else(GenericNetlink::open, Ok) {
            Ok(netlink) => self.netlink.insert(netlink),
            Err(error) => return failed(error),
        };
        match netlink.dump_of("netdev", NETDEV_CMD_QSTATS_GET, &question(index)) {
            Ok(replies) => Told::Known(queues(&replies)),
            Err(refusal) if refusal.unsupported() => Told::Unsupported,
            Err(refusal) => {
                // What is left of the answer must not be taken for that to the next question.
                self.netlink = None;
                failed(refusal)
            }
        }
    }
}

fn failed<T>(error: impl fmt::Display) -> Told<T> {
    Told::Failed(error.to_string())
}

fn question(index: u32) -> Vec<u8> {
    let mut attributes = Messages::default();
    attributes.put(NETDEV_A_QSTATS_IFINDEX, &index.to_ne_bytes());
    attributes.put(NETDEV_A_QSTATS_SCOPE, &NETDEV_QSTATS_SCOPE_QUEUE.to_ne_bytes());
    attributes.bytes().to_vec()
}

fn queues(replies: &[Reply]) -> Vec<QueuePackets> {
    let mut queues: Vec<_> = replies
        .iter()
        .filter_map(|reply| queue(&reply.attributes))
        .collect();
    queues.sort_by_key(|queue| queue.queue);
    queues
}

fn queue(reply: &[u8]) -> Option<QueuePackets> {
    let word = |kind| Some(u32::from_ne_bytes(array(attribute(reply, kind)?, 0)?));
    if word(NETDEV_A_QSTATS_QUEUE_TYPE)? != NETDEV_QUEUE_TYPE_RX {
        return None;
    }
    Some(QueuePackets {
        queue: word(NETDEV_A_QSTATS_QUEUE_ID)?,
        packets: uint(attribute(reply, NETDEV_A_QSTATS_RX_PACKETS)?)?,
    })
}

/// A number the kernel puts into four bytes where it fits (include/net/netlink.h, `nla_put_uint`).
fn uint(bytes: &[u8]) -> Option<u64> {
    match bytes.len() {
        4 => Some(u32::from_ne_bytes(array(bytes, 0)?).into()),
        8 => Some(u64::from_ne_bytes(array(bytes, 0)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn reply(put: impl FnOnce(&mut Messages)) -> Reply {
        let mut attributes = Messages::default();
        attributes.put(NETDEV_A_QSTATS_IFINDEX, &2_u32.to_ne_bytes());
        put(&mut attributes);
        Reply {
            command: NETDEV_CMD_QSTATS_GET,
            attributes: attributes.bytes().to_vec(),
        }
    }

    fn of(kind: u32, queue: u32, packets: &[u8]) -> Reply {
        reply(|attributes| {
            attributes.put(NETDEV_A_QSTATS_QUEUE_TYPE, &kind.to_ne_bytes());
            attributes.put(NETDEV_A_QSTATS_QUEUE_ID, &queue.to_ne_bytes());
            attributes.put(NETDEV_A_QSTATS_RX_PACKETS, packets);
        })
    }

    #[test]
    fn queues_that_receive_are_read_by_number() {
        let replies = [
            of(0, 1, &7_u32.to_ne_bytes()),
            of(0, 0, &(1_u64 << 40).to_ne_bytes()),
            of(1, 0, &9_u32.to_ne_bytes()),
            // A driver that does not count packets of this queue.
            reply(|attributes| {
                attributes.put(NETDEV_A_QSTATS_QUEUE_TYPE, &0_u32.to_ne_bytes());
                attributes.put(NETDEV_A_QSTATS_QUEUE_ID, &2_u32.to_ne_bytes());
            }),
            of(0, 3, &[1, 2, 3]),
        ];
        let expected = [(0, 1 << 40), (1, 7)].map(|(queue, packets)| QueuePackets { queue, packets });
        assert_eq!(queues(&replies), expected);
    }

    #[test]
    fn what_is_cut_off_is_not_read() {
        let Reply { attributes, .. } = of(0, 1, &7_u64.to_ne_bytes());
        assert!(queue(&attributes).is_some());
        for length in 0..attributes.len() {
            assert_eq!(queue(&attributes[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn this_kernel_is_asked_of_every_interface() {
        let mut queues = Queues::new();
        for interface in fs::read_dir("/sys/class/net").expect("list") {
            let interface = interface.expect("interface").path();
            let Ok(index) = fs::read_to_string(interface.join("ifindex")) else {
                // It is gone by now: others make and remove them.
                continue;
            };
            let index = index.trim().parse().expect("a number");
            let told = queues.packets(index);
            let lo = interface.ends_with("lo");
            match told {
                Told::Known(queues) => {
                    assert!(!lo);
                    let distinct: std::collections::BTreeSet<_> =
                        queues.iter().map(|queue| queue.queue).collect();
                    assert_eq!(distinct.len(), queues.len(), "{queues:?}");
                    eprintln!("{}: {queues:?}", interface.display());
                }
                Told::Unsupported => {}
                Told::Failed(why) => assert!(!lo, "{why}"),
            }
        }
        assert!(matches!(
            queues.packets(u32::MAX >> 1),
            Told::Failed(_) | Told::Unsupported
        ));
        // The socket is as good as before.
        assert_eq!(queues.packets(1), Told::Unsupported);
    }
}
