//! Nouns of Ravelin. Values with a rule about them are checked in their one constructor.
//! Owns no I/O, no async and no serialisation: DTOs, rows and ABI structs convert to these types.

mod cause;
mod connection;
mod event;
mod feature;
mod flow_filter;
mod flow_sync;
mod hardware;
mod hw_offload;
mod interface;
mod list;
mod measurement;
mod name;
mod network;
mod policy;
mod program;
mod reason;
mod recovery;
mod statistics;
mod tuning;
mod tuning_status;

pub use cause::chain;
pub use connection::{
    Connection, ConnectionStatus, EndReason, FlowCount, FlowRecord, FlowTuple, Offload, TcpState,
};
pub use event::{DnsQueryBlocked, Event, PacketDropped, SequencedEvent, SystemUpdateChanged};
pub use feature::{
    Counter, DdosProtectionConfig, DnsBlockAction, DnsBlocklistConfig, Feature, FeatureConfig, FeatureDetail,
    FeatureState, FeatureStatus, FlowMonitoringConfig, FlowOffloadConfig, InterfaceScope,
    InvalidFeatureConfig, PolicyClassifierConfig, StatisticsConfig, UnknownFeature,
};
pub use flow_filter::{FlowFilter, FlowState, NatMatch};
pub use flow_sync::{
    ConntrackSyncConfig, CutFlow, FlowRecordsConfig, FlowSettings, LiveFlows, OffloadPort, RecordRetention,
    SyncState, SyncStatus,
};
pub use hardware::{
    Channels, Coalescing, DeviceResource, DevlinkDevice, EswitchMode, HardwareChange, HardwareProbe,
    NicFeature, Pause, PciId, ReceiveSpread, Rings, Told, XdpSupport,
};
pub use hw_offload::{HwOffloadConfig, HwOffloadFailure, HwOffloadMode, HwOffloadPort, HwOffloadStatus};
pub use interface::{
    AddressOrigin, HardwareAddress, Interface, InvalidHardwareAddress, LinkCounters, LinkState,
    is_plain_interface_name,
};
pub use list::{
    AddressEntry, DomainEntry, EntryId, EntryValue, InvalidList, List, ListEntry, ListId, ListKind, ListName,
};
pub use measurement::{
    BATCH_BOUNDS, BatchFigures, ProcessUsage, QueuePackets, SoftnetCpu, ThreadTime, WorkerFigures,
};
pub use name::{DomainName, DomainPattern, DomainScope, InvalidName};
pub use network::{
    BondMode, DhcpClient, DhcpRange, DnsServerAddress, LanLink, LanServices, LinkIdentity, NetworkFault,
    NetworkPart, NetworkPlan, NetworkServices, NetworkSettings, OWN_PROTOCOL, RouteTarget, VirtualLink,
    WantedLink, WantedRoute, WantedRouteRule,
};
pub use policy::{
    Action, AddressMatch, AddressRange, AnyObject, Day, Dnat, DnsServer, DnsServerId, DnsServerSpec,
    HardwareSettings, IcmpType, Id, InterfaceSettings, InterfaceSettingsId, InterfaceSettingsSpec,
    InvalidAddressRange, InvalidId, InvalidObjectName, Kind, LOCAL_ZONE, MinuteOfDay, NatRule, NatRuleId,
    NatRuleSpec, Object, ObjectKind, ObjectName, ObjectRef, Placement, Policy, PolicyRoute, PolicyRouteId,
    PolicyRouteSpec, PolicyVerdict, PortRange, PublishedAddress, PublishedService, PublishedServiceId,
    PublishedServiceSpec, RateLimit, RateLimitScope, Route, RouteId, RouteSpec, Rule, RuleId, RuleSpec,
    Schedule, Service, ServiceEntry, ServiceId, ServiceMatch, ServiceSpec, SettingsState, Translation,
    VerdictBackend, VerdictLine, Zone, ZoneId, ZoneMatch, ZoneNumber, ZonePair, ZonePairId, ZonePairSpec,
    ZoneSpec, is_link_local, protocol, routing_table,
};
pub use program::{Attachment, Hook, MapInfo, ProgramInfo, XdpMode};
pub use reason::{Reason, Verdict};
pub use recovery::{Recovery, RecoveryState};
pub use statistics::{Cell, Direction, InterfaceStatistics, Protocol};
pub use tuning::{
    Adjustment, Bounds, Tunable, TunedObject, TuningDecision, TuningLimits, TuningMode, TuningOutcome,
    TuningSettings,
};
pub use tuning_status::{
    CacheWindow, EventWindow, ReceiveWindow, SoftnetWindow, StoreWindow, TunedValue, TuningStatus,
    TuningWindow, WorkerWindow,
};

/// Number of a stored state of the whole configuration; grows by one with every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);
