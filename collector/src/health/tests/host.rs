//! What rules find about a host as a whole: its way out, its clock, its starts, its silence.

use super::*;

#[test]
fn a_verdict_accuses_only_what_lies_between_host_and_internet() {
    for verdict in Verdict::ALL {
        let expect = match verdict {
            // The report came: the collector is reachable.
            Verdict::Ok | Verdict::CollectorUnreachable => Observation::Clear,
            Verdict::Degraded => Observation::Raise(Severity::Info),
            Verdict::Unknown => Observation::Unknown,
            Verdict::LanDown
            | Verdict::GatewayDown
            | Verdict::DnsBroken
            | Verdict::UplinkDown
            | Verdict::Captive => WARNING,
        };
        let findings = World::new().verdict(*verdict).evaluate();
        assert_eq!(of(&findings, BuiltIn::Reachability), expect, "{verdict:?}");
    }
    let odd = World::new().with(names::REACH_VERDICT, &[], 0, Some(99)).evaluate();
    assert_eq!(of(&odd, BuiltIn::Reachability), Observation::Unknown);
}

#[test]
fn a_clock_is_off_either_way() {
    for (offset_ms, expect) in [
        (Some(5_000), Observation::Clear),
        (Some(-20_000), Observation::Between),
        (Some(-31_000), WARNING),
        (Some(94_608_000_000), CRITICAL),
        (None, Observation::Unknown),
    ] {
        let world = World { clock_offset_ms: offset_ms, ..World::new() };
        assert_eq!(of(&world.evaluate(), BuiltIn::ClockOff), expect, "{offset_ms:?}");
    }
}

fn boots(hours_ago: &[i64], unclean: bool) -> Vec<Boot> {
    let boot = |hours: &i64| Boot { started_ms: NOW_MS - hours * 3_600_000, unclean };
    hours_ago.iter().map(boot).collect()
}

#[test]
fn an_unclean_start_is_told_for_a_day_and_only_if_the_run_before_was_seen() {
    let check = |boots: Vec<Boot>, always_on, expect| {
        let world = World { boots, always_on, ..World::new() };
        assert_eq!(of(&world.evaluate(), BuiltIn::UnexpectedReboot), expect);
    };
    check(vec![], true, Observation::Clear);
    check(boots(&[2], true), true, Observation::Clear);
    check(boots(&[90, 2], true), true, WARNING);
    check(boots(&[90, 2], false), true, Observation::Clear);
    check(boots(&[90, 25], true), true, Observation::Clear);
    // Switched off at the power strip every evening.
    check(boots(&[90, 2], true), false, Observation::Clear);
}

#[test]
fn three_unclean_starts_in_a_week_are_too_many() {
    let check = |boots: Vec<Boot>, expect| {
        let world = World { boots, ..World::new() };
        assert_eq!(of(&world.evaluate(), BuiltIn::RebootsTooOften), expect);
    };
    check(boots(&[500, 160, 20, 2], true), WARNING);
    check(boots(&[500, 20, 2], true), Observation::Between);
    check(boots(&[500, 200, 190, 2], true), Observation::Clear);
    check(boots(&[500, 40, 30, 20, 2], false), Observation::Clear);
    check(boots(&[500, 9, 8, 7, 6, 5, 4, 3, 2], true), CRITICAL);
}

#[test]
fn silence_of_two_and_a_half_intervals_is_noticed() {
    let check = |seconds: i64, always_on, ended, expect| {
        let last_seen_ms = Some(NOW_MS - seconds * 1_000);
        let world = World { last_seen_ms, always_on, ended, ..World::new() };
        assert_eq!(of(&world.absent(), BuiltIn::HostSilent), expect, "{seconds} {always_on} {ended:?}");
    };
    check(149, true, None, Observation::Between);
    check(150, true, None, CRITICAL);
    check(150, true, Some(End::HostShutdown), WARNING);
    check(150, true, Some(End::AgentStop), WARNING);
    check(86_400, false, None, Observation::Clear);
}

#[test]
fn a_collector_that_was_away_itself_accuses_nobody() {
    let last_seen_ms = Some(NOW_MS - 3_600_000);
    let mut world = World { last_seen_ms, listening_since_ms: NOW_MS - 149_000, ..World::new() };
    assert_eq!(of(&world.absent(), BuiltIn::HostSilent), Observation::Unknown);
    assert_eq!(world.presence(), Presence::Unknown);
    world.listening_since_ms = NOW_MS - 150_000;
    assert_eq!(of(&world.absent(), BuiltIn::HostSilent), CRITICAL);
    assert_eq!(world.presence(), Presence::Silent);
}

#[test]
fn days_of_silence_are_a_visit_for_servers_and_an_information_for_workstations() {
    let check = |days: i64, always_on, missing, unseen| {
        let last_seen_ms = Some(NOW_MS - days * 86_400_000);
        let world = World { last_seen_ms, always_on, ..World::new() };
        assert_eq!(of(&world.absent(), BuiltIn::HostMissing), missing, "{days}");
        assert_eq!(of(&world.absent(), BuiltIn::WorkstationUnseen), unseen, "{days}");
    };
    check(2, true, Observation::Between, Observation::Clear);
    check(3, true, WARNING, Observation::Clear);
    check(13, false, Observation::Clear, Observation::Between);
    check(14, false, Observation::Clear, Observation::Raise(Severity::Info));
}

#[test]
fn a_host_that_was_never_heard_of_is_not_accused() {
    let world = World { last_seen_ms: None, ..World::new() };
    assert!(world.absent().list.is_empty());
    assert_eq!(world.presence(), Presence::Unknown);
}

#[test]
fn workstations_are_off_and_servers_silent() {
    let check = |seconds: i64, always_on, ended, expect| {
        let last_seen_ms = Some(NOW_MS - seconds * 1_000);
        let world = World { last_seen_ms, always_on, ended, ..World::new() };
        assert_eq!(world.presence(), expect, "{seconds} {always_on} {ended:?}");
    };
    check(10, true, None, Presence::Up);
    check(10, false, None, Presence::Up);
    check(10, false, Some(End::HostShutdown), Presence::Off);
    check(10, true, Some(End::HostShutdown), Presence::Up);
    check(200, true, Some(End::HostShutdown), Presence::Silent);
    check(200, false, None, Presence::Off);
    check(200, false, Some(End::AgentStop), Presence::Unknown);
    check(200, true, None, Presence::Silent);
}

#[test]
fn a_live_report_clears_every_kind_of_silence() {
    let findings = World::new().evaluate();
    for rule in [BuiltIn::HostSilent, BuiltIn::HostMissing, BuiltIn::WorkstationUnseen] {
        assert_eq!(of(&findings, rule), Observation::Clear);
    }
}
