//! The words that RAID tools have for states, and what each means. One table for each kind of part: the tools' words do
//! not contradict one another. A word that no table has is unknown, never ok. Pure.
//!
//! From the makers' manuals: StorCLI and PERC CLI legends, MegaRAID SAS Software User Guide, HPE Smart Storage
//! Administrator, Adaptec ARCCONF, LSI SAS2IRCU and SAS3IRCU, 3ware CLI, Areca CLI.

use crate::sensor::merge::rank;
use tram_proto::component::State::{self, Degraded, Failed, Ok, PredictedFailure, Unknown};

/// State, reason, and the words that mean it, in lower case, between bars.
pub(super) type Words = &'static [(State, &'static str, &'static str)];

/// Words for arrays.
pub(super) const ARRAY: Words = &[
    (Ok, "", "optimal|optl|optm|opt|okay|oky|ok|online|onln|normal|clean|active|good|functional|healthy"),
    (Ok, "", "no errors"),
    (Ok, "checking", "verifying|verify|verify paused|verify in progress|checking|consistency check"),
    (Ok, "initializing", "initializing|initialize|init|init paused|background init"),
    (Ok, "initializing", "background initialization|foreground init|building|build/verify"),
    (Ok, "initializing", "parity initialization in progress|clearing|not initialized|quick initializing"),
    (Ok, "initializing", "parity initialization queued|parity initialization pending|quick initialized"),
    (Ok, "initializing", "rpi in progress|rpi queued|initing|need init|formatting"),
    (Ok, "erasing", "erase in progress|erase queued|erase completed|erase aborted"),
    (Ok, "expanding", "expanding|expand|migrating|migrate paused|transforming|transforming raid"),
    (Ok, "expanding", "reconfiguring|queued for expansion|morphing|reconstruct|reconstructing"),
    (Ok, "expanding", "reconstruction|moving|migrate|logical device reconfiguring"),
    (Ok, "expanding", "waiting for transformation|queued for transformation"),
    (Ok, "encrypting", "encrypting|undergoing encryption"),
    (Degraded, "degraded", "degraded|dgrd|dgd|degrade|critical|interim recovery|interim recovery mode"),
    (Degraded, "degraded", "sub optimal|suboptimal|non optimal|not optimal|regenerating|regen"),
    (Degraded, "partially degraded", "partially degraded|pdgd|partial degraded|partially optimal"),
    (Degraded, "partially degraded", "partially dgrd"),
    (Degraded, "impacted", "impacted"),
    (Degraded, "out of sync", "nosync|out of sync|inconsistent"),
    (Degraded, "rebuilding", "rebuilding|rebuild|rbld|rebuild paused|rebuild in progress|recovering"),
    (Degraded, "rebuilding", "recover|recovery|rec|resyncing|syncing|sync|rebuild verify"),
    (Degraded, "waiting to rebuild", "ready for rebuild|ready for recovery|queued for rebuild"),
    (Degraded, "waiting to rebuild", "waiting for rebuild|waiting to rebuild|rebuild queued|need rebuild"),
    (Degraded, "foreign configuration", "foreign|frgn"),
    (Degraded, "blocked", "blocked|not yet available"),
    (Failed, "failed", "failed|fail|fld|failure|dead|inoperable|incomplete|incompleted|broken"),
    (Failed, "failed", "suspended|unusable|disabled|not available|unavailable|exported|faulted"),
    (Failed, "failed", "unavail|ioerror|not started|removed|not configured"),
    (Failed, "offline", "offline|ofln|offln"),
    (Failed, "missing", "missing|msng|mis"),
    (Failed, "inactive", "inactive|inact|ina"),
    (Failed, "wrong drive replaced", "wrong drive replaced|wrong physical drive replaced"),
    (Failed, "wrong drive replaced", "wrong drive was replaced"),
    (Failed, "drive not connected", "drive not properly connected|physical drive not properly connected"),
    (Failed, "drive not connected", "drive improperly connected"),
    (Failed, "overheated", "hardware is overheating|hardware overheating|hardware has overheated"),
    (Failed, "overheated", "overheated"),
    (Failed, "disabled", "disabled from scsi id conflict|ejected|locked|encrypted volume inaccessible"),
    (Failed, "disabled", "drive erase in progress"),
    (Unknown, "", "unknown|unkwn|unkn|n/a|"),
];

/// Words for disks.
pub(super) const DISK: Words = &[
    (Ok, "", "online|onln|onl|ok|okay|optimal|opt|good|active|present|ready|rdy|raid ready|jbod|conf"),
    (Ok, "", "configured|ugood|unconfigured|unconfigured good|uconf|unconf|unassigned|available|avl|standby"),
    (Ok, "", "sby|free|raw|ready for use|pass through|passthrough|normal|in use|assigned|functional"),
    (Ok, "", "raw (pass through)|system|exposed|healthy|member|transition"),
    (Ok, "hot spare", "hotspare|hot spare|dhs|ghs|hsp|spare|global hot spare|dedicated hot spare"),
    (Ok, "hot spare", "global hotspare|dedicated hotspare|hspare|standby hot spare|shs|pooled hot spare"),
    (Ok, "hot spare", "auto replace hot spare|emergency spare|dghs"),
    (Ok, "active spare", "active spare|rebuild spare"),
    (Ok, "copying back", "cpybck|copyback|copy back|copying back"),
    (Ok, "checking", "verifying|checking"),
    (Ok, "initializing", "initializing|init|formatting"),
    (Ok, "erasing", "erasing|erase in progress|erase queued|erase done|erase complete|erase completed"),
    (Ok, "erasing", "sntze|sanitize|sanitizing|sanitize in progress|crypto erase"),
    (Degraded, "rebuilding", "rebuilding|rebuild|rbld|rbl|rebuild paused|rebuild in progress"),
    (Degraded, "waiting to rebuild", "waiting for rebuild|waiting to rebuild|queued for rebuild"),
    (Degraded, "waiting to rebuild", "ready for rebuild|ready for recovery"),
    (Degraded, "degraded", "degraded|dgd|dgrd|warning|impaired"),
    (Degraded, "blocked", "blocked|locked"),
    (Degraded, "out of sync", "out of sync|osy|inconsistent"),
    (Degraded, "shielded", "ugshld|hspshld|cfshld|cbshld|uconfshld|shield|shielded|shield configured"),
    (Degraded, "shielded", "shld|configured shielded|hotspare shielded|copyback shielded"),
    (Degraded, "unsupported", "ugunsp|uconfunsp|unsupported|not supported|not authenticated"),
    (Degraded, "unsupported", "incompatible|not compatible|unconfunsp"),
    (Degraded, "foreign configuration", "foreign|frgn"),
    (Degraded, "erase failed", "erase failed|sanitize failed"),
    (Degraded, "ecc error", "ecc error"),
    (PredictedFailure, "predictive failure", "predictive failure|predicted failure|predict failure"),
    (PredictedFailure, "predictive failure", "predictive fail|predfail|pred fail|smart failure|pfa"),
    (PredictedFailure, "predictive failure", "s.m.a.r.t. failure|smart trip|smart error"),
    (PredictedFailure, "worn out", "ssd wear out|ssd wearout|wearout"),
    (PredictedFailure, "worn out", "ssd has reached max rated write life|ssd less than 5% life left"),
    (Failed, "failed", "failed|fail|fld|dead|bad|faulty|fault|failure|defunct|ddd|device error"),
    (Failed, "failed", "dcb read failure|dcb write failure|orphan|dcb orphan|error|inoperable"),
    (Failed, "failed", "failed requested|drive error|drive timeout|failing"),
    (
        Failed,
        "unconfigured bad",
        "ubad|unconfigured bad|unconfigured(bad)|ubunsp|uconfbad|unconfbad|uconf bad|frgn bad",
    ),
    (Failed, "offline", "offline|offln|ofln|offline jbod|unresponsive|diagnostic failure"),
    (Failed, "offline", "offline requested|other offline"),
    (Failed, "missing", "missing|msng|mis|removed|drive removed|candidate missing"),
    (Unknown, "", "unknown|unkwn|unkn|unk|"),
];

/// Words for batteries, capacitors and the caches that they keep.
pub(super) const BATTERY: Words = &[
    (Ok, "", "optimal|optl|opt|ok|okay|operational|good|ready|zmm optimal|charged|normal|fully charged"),
    (Ok, "", "full|active|available"),
    (Ok, "charging", "charging|recharging|charge|chrg|charge in progress|initializing|not fully charged"),
    (Ok, "learning", "learning|learn cycle|relearning|testing|test|discharging|conditioning|lrn"),
    (Ok, "learning", "reconditioning|self test|lrng|learn"),
    (Degraded, "degraded", "degraded|dgd|dgrd|degraded (needs attention)|weak|weakbat|low|warning|aging"),
    (Degraded, "degraded", "needs attention|ndatn|need attention|maintenance required|unhealthy"),
    (Degraded, "degraded", "sub optimal|not ready|temporarily disabled|over temperature"),
    (Degraded, "degraded", "high temperature"),
    (Degraded, "missing", "missing|msng|pack missing|cable failure|msngcbl|loose cable|no battery"),
    (Failed, "failed", "failed|fail|fld|fault|faulty|fatal|error|dead|non operational|bad"),
    (Failed, "failed", "permanently disabled|failure|defective|critical|capacitor failed|battery failed"),
    (Failed, "replace battery", "failed (replace batteries)|failed (replace batteries/capacitors)"),
    (Failed, "replace battery", "replace|replacement required"),
    (Unknown, "", "unknown|unkwn|"),
];

/// Words for controllers, enclosures and their fans and power supplies.
pub(super) const CONTROLLER: Words = &[
    (Ok, "", "optimal|opt|optl|ok|okay|good|online|normal|healthy|redundant|on|ready|running"),
    (Degraded, "needs attention", "needs attention|need attention|ndatn|degraded|dgd|warning"),
    (Degraded, "needs attention", "noncritical|non critical|impacted|not optimal|sub optimal"),
    (Degraded, "safe mode", "safe|safe mode|certprov"),
    (Degraded, "temperature", "temperature problem|temperature warning|hot|overheating|over temperature"),
    (Degraded, "fan", "fan problem|fan failed|fan failure"),
    (Degraded, "power supply", "power supply problem|side panel problem|power supply failed"),
    (Degraded, "power supply", "power problem"),
    (Degraded, "not redundant", "not redundant|non redundant"),
    (Degraded, "alarm", "alarm activated|alarm"),
    (Failed, "failed", "failed|fail|fld|failure|critical|unrecoverable|non recoverable|fatal"),
    (
        Failed,
        "failed",
        "general failure|kernel panic|kernel crash|crashed|lockup|locked up|inoperable|offline|fault|error",
    ),
    (Failed, "failed", "controller failed"),
    (Failed, "missing", "missing|msng|not responding"),
    (Unknown, "", "unknown|unkwn|unkn|unk|"),
];

/// What a word means: looked up whole, else piece by piece, as brackets and commas part it. The first piece tells the
/// state, `Ready (RDY)`, `Online, Spun Up`; one after it only what is worse: `Unconfigured(bad), Spun Up`.
pub(super) fn judge(words: Words, word: &str) -> (State, String) {
    let whole = word.trim().trim_end_matches('.').to_ascii_lowercase();
    let mut pieces = whole.split(['(', ')', '[', ']', '!', ',', ':', ';']);
    let first = || meant(words, pieces.next().filter(|piece| !piece.trim().is_empty())?);
    let first = meant(words, &whole).or_else(first);
    let Some((mut state, mut reason)) = first else {
        return (Unknown, format!("unknown state \"{}\"", word.trim()));
    };
    for (other, why) in pieces.filter_map(|piece| meant(words, piece)) {
        if rank(other) > rank(state).max(rank(Unknown)) {
            (state, reason) = (other, why);
        }
    }
    (state, reason.to_owned())
}

fn meant(words: Words, text: &str) -> Option<(State, &'static str)> {
    let plain = text.replace(['-', '_'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let is_it = |known: &&str| known.split('|').any(|word| word == plain);
    words.iter().find(|(_, _, known)| is_it(known)).map(|(state, reason, _)| (*state, *reason))
}

/// Whether a word says that there is no such part at all.
pub(super) fn is_absent(word: &str) -> bool {
    let word = word.trim().to_ascii_lowercase().replace(['-', '_'], " ");
    [
        "",
        "absent",
        "not present",
        "not installed",
        "zmm not installed",
        "na",
        "n/a",
        "none",
        "not available",
        "no device",
        "not applicable",
        "not configured",
        "not supported",
        "not reportable",
    ]
    .contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_written_as_it_is_looked_up_and_means_one_thing() {
        for words in [ARRAY, DISK, BATTERY, CONTROLLER] {
            for (state, reason, known) in words {
                crate::sensor::part::own(reason);
                for word in known.split('|') {
                    assert_eq!(judge(words, word), (*state, (*reason).to_owned()), "{word}");
                }
            }
        }
    }

    #[test]
    fn words_are_read_with_their_codes_and_details() {
        let state = |words, word: &str| judge(words, word).0;
        assert_eq!(state(DISK, "Ready (RDY)"), Ok);
        assert_eq!(state(DISK, "Online, Spun Up"), Ok);
        assert_eq!(judge(DISK, "Unconfigured(bad)"), (Failed, "unconfigured bad".into()));
        assert_eq!(state(DISK, "Unconfigured(good), Spun down"), Ok);
        assert_eq!(state(DISK, "Unconfigured(bad), Spun Up"), Failed);
        assert_eq!(state(DISK, "Global Hot-Spare (Ready)"), Ok);
        assert_eq!(judge(ARRAY, "Optimal, Degraded"), (Degraded, "degraded".into()));
        assert_eq!(judge(DISK, "HotSpare[Global]"), (Ok, "hot spare".into()));
        assert_eq!(judge(DISK, "NOT-SUPPORTED"), (Degraded, "unsupported".into()));
        assert_eq!(judge(ARRAY, "Impacted ( Build/Verify with fix : 90 % )"), (Degraded, "impacted".into()));
        assert_eq!(judge(ARRAY, "Recovering, 45% complete"), (Degraded, "rebuilding".into()));
        assert_eq!(judge(BATTERY, "Failed (Replace Batteries)"), (Failed, "replace battery".into()));
    }

    #[test]
    fn a_word_that_nobody_knows_is_never_ok() {
        for words in [ARRAY, DISK, BATTERY, CONTROLLER] {
            assert_eq!(judge(words, "Fredfish"), (Unknown, "unknown state \"Fredfish\"".into()));
            assert_eq!(judge(words, "").0, Unknown);
            assert_eq!(judge(words, "(ok)").0, Unknown);
        }
    }
}
