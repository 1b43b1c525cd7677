//! What is in the kernel, by netlink (include/uapi/linux/netfilter/nf_tables.h).

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use netlink_sys::protocols::NETLINK_NETFILTER;
use ravelin_compile::{CounterId, NftFound, NftRuleset};
use ravelin_model::Revision;

use super::PacketCount;
use crate::netlink::{DUMP, Request, array, attribute, attributes, text};
use crate::socket::NetlinkSocket;
use crate::{DumpError, KernelError};

const NFNL_SUBSYS_NFTABLES: u16 = 10;
const NFPROTO_INET: u8 = 1;

const NFT_MSG_GETCHAIN: u16 = 4;
const NFT_MSG_GETRULE: u16 = 7;
const NFT_MSG_GETSET: u16 = 10;
const NFT_MSG_GETSETELEM: u16 = 13;
const NFT_MSG_GETOBJ: u16 = 19;
const NFT_MSG_GETFLOWTABLE: u16 = 23;

/// Table and name have the same numbers in messages about chains, rules, elements and objects.
const TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const RULE_CHAIN: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;
const SET_NAME: u16 = 2;
const SET_FLAGS: u16 = 3;
const SET_EXPR: u16 = 17;
const ELEMENTS_SET: u16 = 2;
const ELEMENTS: u16 = 3;
const ELEMENT_KEY: u16 = 1;
const ELEMENT_EXPRESSION: u16 = 7;
const DATA_VALUE: u16 = 1;
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
const COUNTER_BYTES: u16 = 1;
const COUNTER_PACKETS: u16 = 2;
const LOG_PREFIX: u16 = 2;
const OBJECT_NAME: u16 = 2;
const FLOWTABLE_NAME: u16 = 2;
const FLOWTABLE_HOOK: u16 = 3;
const HOOK_DEVICES: u16 = 3;
const DEVICE_NAME: u16 = 1;
const OBJECT_TYPE: u16 = 3;

const NFT_SET_ANONYMOUS: u32 = 1;
const NFT_SET_MAP: u32 = 8;
const NFT_OBJECT_LIMIT: u32 = 4;

#[derive(Debug)]
pub(super) struct Reader {
    socket: NetlinkSocket,
}

impl Reader {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self {
            socket: NetlinkSocket::open(NETLINK_NETFILTER)?,
        })
    }

    pub(super) async fn counters(&mut self) -> Result<BTreeMap<CounterId, PacketCount>, KernelError> {
        let question = || request(NFT_MSG_GETSETELEM).with_text(ELEMENTS_SET, NftRuleset::COUNTERS);
        let rows = self.socket.dump(question, |message, rows| {
            let elements = attribute(message, ELEMENTS).unwrap_or_default();
            rows.extend(attributes(elements).filter_map(|(_, element)| counter(element)));
        });
        match rows.await {
            Ok(rows) => Ok(rows.into_iter().collect()),
            Err(error) if is_missing(&error) => Ok(BTreeMap::new()),
            Err(error) => Err(KernelError::ListTable(error)),
        }
    }

    pub(super) async fn revision(&mut self) -> Result<Option<Revision>, KernelError> {
        let question = || request(NFT_MSG_GETRULE).with_text(RULE_CHAIN, NftRuleset::LOG_CHAIN);
        let rows = self.socket.dump(question, |message, rows| {
            let expressions = attribute(message, RULE_EXPRESSIONS).unwrap_or_default();
            rows.extend(attributes(expressions).filter_map(|(_, expression)| {
                let prefix = text(attribute(data(expression, "log")?, LOG_PREFIX)?)?;
                NftRuleset::revision_of(prefix)
            }));
        });
        match rows.await {
            Ok(rows) => Ok(rows.first().copied()),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(KernelError::ListTable(error)),
        }
    }

    pub(super) async fn found(&mut self) -> Result<NftFound, KernelError> {
        let mut found = NftFound::default();
        for row in self.named(NFT_MSG_GETCHAIN, CHAIN_NAME).await? {
            found.chains.insert(row.name);
        }
        let mut counting = false;
        for row in self.named(NFT_MSG_GETSET, SET_NAME).await? {
            if row.flags & NFT_SET_ANONYMOUS != 0 {
                continue;
            }
            if row.flags & NFT_SET_MAP != 0 {
                found.maps.insert(row.name);
            } else {
                counting |= row.name == NftRuleset::COUNTERS && row.counts;
                found.sets.insert(row.name);
            }
        }
        for row in self.named(NFT_MSG_GETOBJ, OBJECT_NAME).await? {
            if row.object == NFT_OBJECT_LIMIT {
                found.limits.insert(row.name);
            }
        }
        if counting {
            let counters = self.counters().await?;
            found.counters = Some(counters.into_keys().collect::<BTreeSet<_>>());
        }
        Ok(found)
    }

    /// Interfaces of the flowtable; None: there is none.
    pub(super) async fn flowtable(&mut self) -> Result<Option<BTreeSet<String>>, KernelError> {
        let rows = self.socket.dump(
            || request(NFT_MSG_GETFLOWTABLE),
            |message, rows| {
                // Kernels that do not filter by table tell those of every table.
                let is = |kind, name| attribute(message, kind).and_then(text) == Some(name);
                if is(TABLE, NftRuleset::TABLE) && is(FLOWTABLE_NAME, NftRuleset::FLOWTABLE) {
                    let hook = attribute(message, FLOWTABLE_HOOK).unwrap_or_default();
                    let devices = attribute(hook, HOOK_DEVICES).unwrap_or_default();
                    let names = attributes(devices)
                        .filter(|(kind, _)| *kind == DEVICE_NAME)
                        .filter_map(|(_, name)| text(name).map(str::to_owned));
                    rows.push(names.collect());
                }
            },
        );
        match rows.await {
            Ok(rows) => Ok(rows.into_iter().next()),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(KernelError::ListTable(error)),
        }
    }

    async fn named(&mut self, kind: u16, name: u16) -> Result<Vec<Named>, KernelError> {
        let rows = self.socket.dump(
            || request(kind),
            |message, rows| {
                // Kernels that do not filter by table tell those of every table.
                if attribute(message, TABLE).and_then(text) == Some(NftRuleset::TABLE) {
                    rows.extend(attribute(message, name).and_then(text).map(|name| {
                        Named {
                            name: name.to_owned(),
                            flags: number(attribute(message, SET_FLAGS)),
                            object: number(attribute(message, OBJECT_TYPE)),
                            counts: attribute(message, SET_EXPR)
                                .is_some_and(|expression| data(expression, "counter").is_some()),
                        }
                    }));
                }
            },
        );
        match rows.await {
            Ok(rows) => Ok(rows),
            Err(error) if is_missing(&error) => Ok(Vec::new()),
            Err(error) => Err(KernelError::ListTable(error)),
        }
    }
}

/// Something with a name; the rest says something only for what has it.
#[derive(Debug)]
struct Named {
    name: String,
    flags: u32,
    object: u32,
    counts: bool,
}

fn request(message: u16) -> Request {
    let kind = NFNL_SUBSYS_NFTABLES << 8 | message;
    Request::new(kind, DUMP, NFPROTO_INET, 0).with_text(TABLE, NftRuleset::TABLE)
}

/// There is no such table, chain or set.
fn is_missing(error: &DumpError) -> bool {
    matches!(error, DumpError::Refused(error) if error.raw_os_error() == Some(libc::ENOENT))
}

/// An element of the set of counters.
fn counter(element: &[u8]) -> Option<(CounterId, PacketCount)> {
    // Marks are in the byte order of the machine.
    let mark = u32::from_ne_bytes(array(
        attribute(attribute(element, ELEMENT_KEY)?, DATA_VALUE)?,
        0,
    )?);
    let counter = data(attribute(element, ELEMENT_EXPRESSION)?, "counter")?;
    let field = |kind| Some(u64::from_be_bytes(array(attribute(counter, kind)?, 0)?));
    Some((
        mark,
        PacketCount {
            packets: field(COUNTER_PACKETS)?,
            bytes: field(COUNTER_BYTES)?,
        },
    ))
}

/// What is in an expression, if it is of that name.
fn data<'a>(expression: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let is = attribute(expression, EXPRESSION_NAME).and_then(text) == Some(name);
    is.then(|| attribute(expression, EXPRESSION_DATA)).flatten()
}

fn number(value: Option<&[u8]>) -> u32 {
    value
        .and_then(|value| array(value, 0))
        .map_or(0, u32::from_be_bytes)
}
