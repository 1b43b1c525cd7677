//! Owns the configuration of the data plane: features, lists and interfaces. One task applies every change:
//! validate, compile, load into the kernel, store, publish. Never parses HTTP, never opens a socket itself.

mod applied_settings;
mod cards;
mod clock;
mod command;
mod config;
mod counters;
mod engine;
mod error;
mod event_workers;
mod events;
mod fixed_counters;
mod flow_cache_keeper;
mod handle;
mod hardware;
mod hit_rows;
mod import;
mod interface_hardware;
mod live_connections;
mod measure;
mod network;
mod packet_filter;
mod plane;
mod policy;
mod policy_counters;
mod policy_handle;
mod policy_requests;
mod recovery;
mod requests;
mod retired;
mod settings;
mod simulation;
mod snapshot;
mod status;
mod stream;
mod task;
mod tuner;
mod verdicts;

pub use applied_settings::AppliedSettings;
pub use clock::Clock;
pub use config::{Config, Enforce, LOG_GROUP, LinkSource, PacketLogSource, Parts};
pub use error::ControlError;
pub use flow_cache_keeper::{FlowCacheKeeper, MovedFlows, Moving, UseCache};
pub use handle::ControlHandle;
pub use hardware::{Hardware, KernelHardware, SimulatedHardware};
pub use live_connections::{Applied, Judge, Judging, LiveConnections, LiveReport};
pub use measure::{CacheReading, Reading};
pub use network::{KernelNetwork, Network, NetworkDaemons, SimulatedNetwork};
pub use packet_filter::{KernelFilter, PacketFilter, PacketFilterError, SimulatedFilter};
pub use policy_requests::{
    CallerConnection, CommitOptions, CommitStep, Committed, Consideration, Diagnostic, Hits, LoggedVerdict,
    NatOrigin, ObjectChange, Operation, OperationResult, Origin, PolicyMetrics, PolicyOperation, PolicyView,
    ProgramVerdict, ReferenceVerdict, Refusal, RefusalReason, RevisionInfo, RevisionPage,
    SimulatedTranslation, Simulation, SimulationQuery, SimulationSource, Unconfirmed, VerdictPage,
    VerdictQuery, ZoneRef,
};
pub use ravelin_datapath::EventFigures;
pub use ravelin_model::SettingsState;
pub use requests::{
    Actor, AuditRecord, EntryPage, EntryQuery, EventLosses, ImportProblem, ImportReport, ListedEntry,
    NewList, Precondition, Readiness,
};
pub use stream::{EventStream, StreamItem};
pub use task::{Tasks, spawn};
pub use tuner::{Costs, TunerState, decide};
