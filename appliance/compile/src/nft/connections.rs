//! The connection's mark: what it says, and where packets of connections go by it.

use std::collections::BTreeSet;

use ravelin_abi::rv_connection_mark::{RV_CONNECTION_ANSWERED, RV_CONNECTION_RESET};
use ravelin_model::protocol;

use super::NftRuleset;
use super::chains::Chains;
use super::lines::COUNTER;
use super::table::{Field, Name, Reject, SetBody, Statement, Verdict, goto, in_set, is, only};
use crate::fixed_counter;

/// Bit of the connection's mark: what is sent here is the answer to a packet that was rejected, and was counted as
/// such.
const ANSWERED: u32 = RV_CONNECTION_ANSWERED;

/// Bit of the connection's mark: it was ended on request.
const RESET: u32 = RV_CONNECTION_RESET;

/// Bits of the connection's mark that are others'.
const FOREIGN: u32 = !(COUNTER | ANSWERED | RESET);

/// The chain where a connection takes the counter of its line into its mark. Bits of others stay. Older kernels cannot
/// put two marks together, so where there are others' bits the counter's come one by one.
pub(super) fn accepted(chains: &mut Chains) -> Name {
    let accept = Statement::Verdict(Verdict::Accept);
    let mut rules = vec![
        vec![
            is(Field::ConnectionMark(FOREIGN), [only(0_u32)]),
            Statement::CopyMark(COUNTER),
            accept.clone(),
        ],
        vec![Statement::ConnectionMark {
            keep: FOREIGN,
            set: 0,
        }],
    ];
    let bits = (0..u32::BITS).map(|at| 1 << at).filter(|bit| COUNTER & bit != 0);
    rules.extend(bits.map(|bit| {
        let set = Statement::ConnectionMark {
            keep: u32::MAX,
            set: bit,
        };
        vec![is(Field::Mark(bit), [only(bit)]), set]
    }));
    rules.push(vec![accept]);
    chains.add("accepted", None, rules)
}

/// The chain where packets are rejected.
pub(super) fn rejected(chains: &mut Chains) -> Name {
    let answered = Statement::ConnectionMark {
        keep: !(ANSWERED | COUNTER),
        set: ANSWERED,
    };
    chains.add(
        "rejected",
        None,
        vec![
            vec![answered],
            vec![
                is(Field::Protocol, [only(protocol::TCP)]),
                Statement::Reject(Reject::Reset),
            ],
            vec![Statement::Reject(Reject::Prohibited)],
        ],
    )
}

/// The chain for packets of connections that were accepted: each counts on the line its connection counts on.
pub(super) fn known(chains: &mut Chains) {
    let count = in_set(&[Field::ConnectionMark(COUNTER)], &NftRuleset::COUNTERS.into());
    let accept = Statement::Verdict(Verdict::Accept);
    let earlier = Statement::ConnectionMark {
        keep: !COUNTER,
        set: fixed_counter::EARLIER_CONNECTION,
    };
    let reset = reset(chains);
    chains.add(
        "connection",
        None,
        vec![
            vec![is(Field::ConnectionMark(RESET), [only(RESET)]), goto(&reset)],
            vec![count.clone(), accept.clone()],
            vec![
                is(Field::ConnectionMark(ANSWERED), [only(ANSWERED)]),
                accept.clone(),
            ],
            vec![earlier],
            vec![count, accept],
        ],
    );
}

/// The chain for forwarded packets of connections that were accepted: the flowtable takes those up that come or go by one
/// of its interfaces, unless they are to be answered here. Others are XDP's. The kernel itself leaves those alone that
/// have a helper, are not confirmed, or, of TCP, not established.
pub(super) fn offloadable(chains: &mut Chains, flowtable: &BTreeSet<String>) -> Name {
    let names = flowtable.iter().map(|name| name.as_str().into());
    let interfaces = chains.set("offloading", SetBody::Interfaces(names.collect()));
    let fields = [Field::InputInterface, Field::OutputInterface];
    let mut rules: Vec<Vec<Statement>> = fields
        .iter()
        .map(|field| {
            vec![
                in_set(&[*field], &interfaces),
                is(Field::Protocol, [protocol::TCP, protocol::UDP].map(only)),
                is(Field::ConnectionMark(ANSWERED | RESET), [only(0_u32)]),
                Statement::Offload,
            ]
        })
        .collect();
    rules.push(vec![goto(&"connection".into())]);
    chains.add("offloadable", None, rules)
}

/// The chain where packets of a connection end that was ended on request: both ends are told. What says so already, by
/// an end or by this box, passes.
fn reset(chains: &mut Chains) -> Name {
    const RST: u8 = 0x04;
    chains.add(
        "reset_both",
        None,
        vec![
            vec![
                is(Field::TcpFlags(RST), [only(RST)]),
                Statement::Verdict(Verdict::Accept),
            ],
            vec![
                is(Field::Protocol, [only(protocol::TCP)]),
                Statement::Reject(Reject::Reset),
            ],
            vec![Statement::Verdict(Verdict::Drop)],
        ],
    )
}
