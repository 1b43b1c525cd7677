//! Reading a whole table of the kernel, or nothing of it: half a table would look like links that are gone.

use futures::StreamExt;
use rtnetlink::Handle;
use rtnetlink::packet_core::{NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::RouteNetlinkMessage;

use crate::DumpError;

/// Readings begun before giving up on a table that changes while it is read.
const TRIES: u32 = 10;

/// Every entry of the table `question` asks for. The connection must forward NLMSG_DONE.
pub(crate) async fn dump(
    handle: &Handle,
    question: RouteNetlinkMessage,
) -> Result<Vec<RouteNetlinkMessage>, DumpError> {
    for _ in 0..TRIES {
        if let Some(entries) = read(handle.clone(), question.clone()).await? {
            return Ok(entries);
        }
    }
    Err(DumpError::Restless { tries: TRIES })
}

/// None if the table changed meanwhile, so that entries may be missing or doubled.
async fn read(
    mut handle: Handle,
    question: RouteNetlinkMessage,
) -> Result<Option<Vec<RouteNetlinkMessage>>, DumpError> {
    let mut request = NetlinkMessage::from(question);
    request.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut answer = handle.request(request).map_err(|_| DumpError::Closed)?;
    let mut entries = Vec::new();
    let mut interrupted = false;
    while let Some(message) = answer.next().await {
        interrupted |= message.header.flags & NLM_F_DUMP_INTR != 0;
        match message.payload {
            NetlinkPayload::InnerMessage(entry) => entries.push(entry),
            NetlinkPayload::Done(_) => return Ok((!interrupted).then_some(entries)),
            NetlinkPayload::Error(error) => return Err(DumpError::Refused(error.to_io())),
            _ => return Err(DumpError::CutOff),
        }
    }
    Err(DumpError::CutOff)
}
