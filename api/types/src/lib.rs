//! Request and response types of the REST API: what is on the wire, and nothing about how it gets there.
//!
//! Every type converts to and from `ravelin_model` with full destructuring, so a new field of the model does not
//! compile until the API says what becomes of it. Requests are read through one door, [`parse`], which reports
//! everything that is wrong at once. No axum, no I/O.

mod auth;
mod dhcp_leases;
mod events;
mod features;
mod flows;
mod hardware;
mod health;
mod interface_offload;
mod interfaces;
mod lists;
mod maps;
mod page;
mod policy;
mod problem;
mod programs;
mod read;
mod recovery;
mod statistics;
mod system;
mod text;
mod tuning;

pub use auth::AccessToken;
pub use dhcp_leases::DhcpLease;
pub use events::{
    DnsQueryBlocked, Event, EventType, FeatureChanged, FlowsKilled, Gap, InterfaceChanged,
    InterfaceSettingsChanged, ListChanged, LiveFlowsJudged, PacketDropped, PolicyChanged, PolicyVerdict,
    SystemUpdateChanged,
};
pub use features::{
    ConntrackSyncConfig, ConntrackSyncConfigPatch, ConntrackSyncState, Counter, DdosProtectionConfig,
    DdosProtectionConfigPatch, DnsBlockAction, DnsBlocklistConfig, DnsBlocklistConfigPatch, Feature,
    FeatureConfig, FeatureName, FeatureState, FlowMonitoringConfig, FlowMonitoringConfigPatch,
    FlowOffloadConfig, FlowRecordsConfig, FlowRecordsConfigPatch, HwOffloadConfig, HwOffloadConfigPatch,
    HwOffloadInterface, HwOffloadMode, InterfaceScope, OffloadInterface, PolicyClassifierConfig,
    StatisticsConfig, StatisticsConfigPatch, SyncState,
};
pub use flows::{
    CheckedKill, Flow, FlowCount, FlowCounts, FlowEnd, FlowEndReason, FlowEndpoint, FlowFilter, FlowKill,
    FlowKillReport, FlowRate, FlowRecord, FlowTranslation, FlowTuple, HardwareFlow, HardwareFlowPort,
    HardwareFlowState,
};
pub use hardware::{
    EswitchMode, NicChannels, NicCoalescing, NicDevlink, NicFeature, NicHardware, NicPause, NicResource,
    NicRings, NicSpread, NicVersion, UnreadPart,
};
pub use health::{Health, Readiness};
pub use interface_offload::{
    Capability, CapabilitySource, CapabilityValue, FeatureSwitch, InterfaceOffload, MaxFlows, MaxFlowsSource,
};
pub use interfaces::{
    AddressOrigin, Interface, InterfaceAddress, InterfaceFault, InterfacePatch, LinkCounters, LinkState,
};
pub use lists::{
    AddedEntries, Entry, Hits, ImportProblem, ImportReport, List, ListKind, ListPatch, NewEntries, NewEntry,
    NewList,
};
pub use maps::Map;
pub use page::Page;
pub use policy::{
    Action, AddressMatch, Bond, BondMode, Bridge, Change, ChangeKind, ChangeOperation, Changes, CommitReport,
    CommitStep, ConsideredLine, CutFlow, Day, DhcpClient, DhcpRange, Diagnostic, DnsServer, DnsServerSpec,
    HardwareSettings, IcmpType, Identified, InterfaceSettings, InterfaceSettingsSpec, InterfaceSettingsState,
    InvalidPortRange, IpProtocol, LanServices, LinkIdentity, LiveFlows, LoggedVerdict, MainTable, Move,
    MoveTo, Names, NatKind, NatRule, NatRuleOrder, NatRuleSpec, ObjectChange, OperationResult, PolicyCounter,
    PolicyDocument, PolicyKind, PolicyLine, PolicyRoute, PolicyRouteSpec, PolicyState, PortRange,
    ProtocolName, PublishedService, PublishedServiceSpec, RateLimit, RateLimitScope, Reference, References,
    Revision, RevisionDiff, Route, RouteKind, RouteSpec, RoutingTable, Rule, RuleHits, RuleOrder,
    RuleService, RuleSpec, Schedule, Service, ServiceEntry, ServiceSpec, SimulatedEntry, SimulatedPacket,
    SimulatedTranslation, SimulatedVerdict, Simulation, SimulationRequest, Spec, Vlan, Zone, ZonePair,
    ZonePairSpec, ZoneReference, ZoneSpec,
};
pub use problem::{FieldError, MEDIA_TYPE as PROBLEM_MEDIA_TYPE, Problem, ProblemKind};
pub use programs::{Attachment, Hook, Program, RunTime, XdpMode};
pub use read::{
    BadBody, Errors, Fields, FromJson, MAX_DEPTH, Node, merge_patch, parse, parse_value, parse_with,
};
pub use recovery::{Recovery, RecoveryState};
pub use statistics::{
    Cell, Direction, EventLosses, InterfaceStatistics, Protocol, Reason, Statistics, Verdict,
};
pub use system::{
    FactoryReset, LogEntry, SlotBoot, SlotName, StateCondition, System, SystemClock, SystemDisk,
    SystemMemory, SystemSlot, SystemTemperature, SystemTrial, SystemUpdate, UpdateFetch, UpdateProblem,
    UpdateSource, UpdateState,
};
pub use text::{Text, Timestamp};
pub use tuning::{
    Tunable, TunedObject, Tuning, TuningBounds, TuningBoundsPatch, TuningCache, TuningDecision, TuningEvents,
    TuningLimits, TuningLimitsPatch, TuningMode, TuningOutcome, TuningPatch, TuningQueues, TuningSettings,
    TuningSoftnet, TuningStore, TuningWindow, TuningWorkers,
};
