//! Switches as bits of `rv_control.switches`; the halves of the tables are the other bits of that word.

use ravelin_abi::rv_switch::{
    RV_SWITCH_DDOS_EXTERNAL_ONLY, RV_SWITCH_DDOS_PROTECTION, RV_SWITCH_DNS_BLOCKLIST, RV_SWITCH_DNS_DROP,
    RV_SWITCH_FLOW_MONITORING, RV_SWITCH_FLOW_OFFLOAD, RV_SWITCH_POLICY_CLASSIFIER, RV_SWITCH_STATISTICS,
};

use crate::Switches;

impl Switches {
    /// Every bit this type stands for.
    pub const MASK: u64 = (RV_SWITCH_STATISTICS
        | RV_SWITCH_FLOW_MONITORING
        | RV_SWITCH_DDOS_PROTECTION
        | RV_SWITCH_DDOS_EXTERNAL_ONLY
        | RV_SWITCH_DNS_BLOCKLIST
        | RV_SWITCH_DNS_DROP
        | RV_SWITCH_POLICY_CLASSIFIER
        | RV_SWITCH_FLOW_OFFLOAD) as u64;

    /// The bits that are set.
    pub fn bits(self) -> u64 {
        let Self {
            statistics,
            flow_monitoring,
            ddos_protection,
            ddos_external_only,
            dns_blocklist,
            dns_drop,
            policy_classifier,
            flow_offload,
        } = self;
        [
            (statistics, RV_SWITCH_STATISTICS),
            (flow_monitoring, RV_SWITCH_FLOW_MONITORING),
            (ddos_protection, RV_SWITCH_DDOS_PROTECTION),
            (ddos_external_only, RV_SWITCH_DDOS_EXTERNAL_ONLY),
            (dns_blocklist, RV_SWITCH_DNS_BLOCKLIST),
            (dns_drop, RV_SWITCH_DNS_DROP),
            (policy_classifier, RV_SWITCH_POLICY_CLASSIFIER),
            (flow_offload, RV_SWITCH_FLOW_OFFLOAD),
        ]
        .into_iter()
        .filter(|(on, _)| *on)
        .fold(0, |word, (_, bit)| word | u64::from(bit))
    }

    /// What a word says; bits outside [`Self::MASK`] do not matter.
    pub fn from_bits(word: u64) -> Self {
        let on = |bit: u32| word & u64::from(bit) != 0;
        Self {
            statistics: on(RV_SWITCH_STATISTICS),
            flow_monitoring: on(RV_SWITCH_FLOW_MONITORING),
            ddos_protection: on(RV_SWITCH_DDOS_PROTECTION),
            ddos_external_only: on(RV_SWITCH_DDOS_EXTERNAL_ONLY),
            dns_blocklist: on(RV_SWITCH_DNS_BLOCKLIST),
            dns_drop: on(RV_SWITCH_DNS_DROP),
            policy_classifier: on(RV_SWITCH_POLICY_CLASSIFIER),
            flow_offload: on(RV_SWITCH_FLOW_OFFLOAD),
        }
    }
}

#[cfg(test)]
mod tests {
    use ravelin_abi::rv_switch::{RV_SWITCH_ADDRESS_HALF, RV_SWITCH_NAME_HALF, RV_SWITCH_POLICY_HALF};

    use super::*;

    #[test]
    fn every_combination_survives_the_word_whatever_the_halves() {
        let halves = u64::from(RV_SWITCH_ADDRESS_HALF | RV_SWITCH_NAME_HALF | RV_SWITCH_POLICY_HALF);
        for word in 0..=Switches::MASK {
            let expected = word & Switches::MASK;
            assert_eq!(Switches::from_bits(word | halves).bits(), expected, "{word:#x}");
        }
        assert_eq!(Switches::MASK & halves, 0);
        assert_eq!(Switches::MASK.count_ones(), 8);
    }
}
