//! One line for each way a network breaks.

use super::*;
use Outcome::{Captive, Failed, Lossy, Ok, Skipped};
use tram_proto::reach::Method;

const LIMITS: Limits = Limits { loss_max: 0.2, rtt_max_s: 0.8 };

fn rung(rung: Rung, outcome: Outcome, place: Place) -> RungResult {
    let answered = matches!(outcome, Ok | Lossy);
    RungResult {
        rung,
        method: Method::Icmp,
        target: "t".to_owned(),
        outcome,
        loss: match outcome {
            Ok => Some(0.0),
            Lossy => Some(0.4),
            Failed | Captive => Some(1.0),
            Skipped => None,
        },
        rtt_s: answered.then_some(0.03),
        reason: None,
        place: Some(place),
    }
}

/// Outcomes of interface, gateway, resolver (on the LAN), name, internet, web, collector (on the internet).
fn ladder(outcomes: [Outcome; 7]) -> Vec<RungResult> {
    let rungs = [
        (Rung::Interface, Place::Host),
        (Rung::Gateway, Place::OnLink),
        (Rung::Resolver, Place::OnLink),
        (Rung::Name, Place::OnLink),
        (Rung::Internet, Place::Public),
        (Rung::Web, Place::Public),
        (Rung::Collector, Place::Public),
    ];
    rungs.into_iter().zip(outcomes).map(|((name, place), outcome)| rung(name, outcome, place)).collect()
}

#[track_caller]
fn check(outcomes: [Outcome; 7], expect: Verdict) {
    assert_eq!(derive(&ladder(outcomes), LIMITS), expect, "{outcomes:?}");
}

#[track_caller]
fn check_changed(outcomes: [Outcome; 7], change: impl FnOnce(&mut Vec<RungResult>), expect: Verdict) {
    let mut rungs = ladder(outcomes);
    change(&mut rungs);
    assert_eq!(derive(&rungs, LIMITS), expect, "{rungs:#?}");
}

fn at(rungs: &mut [RungResult], rung: Rung) -> &mut RungResult {
    rungs.iter_mut().find(|result| result.rung == rung).unwrap()
}

#[test]
fn each_broken_rung_names_its_verdict() {
    check([Ok; 7], Verdict::Ok);
    check([Failed, Failed, Failed, Failed, Failed, Skipped, Failed], Verdict::LanDown);
    check([Ok, Failed, Failed, Failed, Failed, Skipped, Failed], Verdict::GatewayDown);
    check([Ok, Ok, Failed, Failed, Ok, Skipped, Ok], Verdict::DnsBroken);
    check([Ok, Ok, Ok, Failed, Ok, Skipped, Ok], Verdict::DnsBroken);
    check([Ok, Ok, Ok, Ok, Failed, Failed, Failed], Verdict::UplinkDown);
    check([Ok, Ok, Failed, Failed, Failed, Skipped, Failed], Verdict::UplinkDown);
    check([Ok, Ok, Ok, Ok, Failed, Captive, Failed], Verdict::Captive);
    check([Ok, Ok, Ok, Ok, Ok, Captive, Ok], Verdict::Captive);
    check([Ok, Ok, Ok, Ok, Lossy, Ok, Ok], Verdict::Degraded);
    check([Ok, Ok, Ok, Ok, Ok, Ok, Failed], Verdict::CollectorUnreachable);
    check([Skipped; 7], Verdict::Unknown);
}

#[test]
fn a_silent_gateway_is_not_blamed_when_something_behind_it_answers() {
    check([Ok, Failed, Ok, Ok, Ok, Ok, Ok], Verdict::Ok);
    check([Ok, Failed, Ok, Ok, Failed, Ok, Ok], Verdict::Ok);
    // The resolver is beyond the gateway: the gateway forwards, the rest of the internet is dark.
    let beyond = |rungs: &mut Vec<RungResult>| at(rungs, Rung::Resolver).place = Some(Place::Private);
    check_changed([Ok, Failed, Ok, Ok, Failed, Failed, Failed], beyond, Verdict::UplinkDown);
    // On the LAN it proves nothing about the gateway.
    check([Ok, Failed, Ok, Ok, Failed, Failed, Failed], Verdict::GatewayDown);
}

#[test]
fn an_internet_that_only_drops_pings_is_fine() {
    check([Ok, Ok, Ok, Ok, Failed, Ok, Ok], Verdict::Ok);
}

#[test]
fn pings_without_pages_are_degraded() {
    check([Ok, Ok, Ok, Ok, Ok, Failed, Ok], Verdict::Degraded);
}

#[test]
fn the_collectors_place_says_what_its_answer_proves() {
    let dark = [Ok, Ok, Ok, Ok, Failed, Failed, Ok];
    check(dark, Verdict::Degraded);
    check_changed(dark, |rungs| at(rungs, Rung::Collector).place = Some(Place::OnLink), Verdict::UplinkDown);
    check_changed(dark, |rungs| at(rungs, Rung::Collector).place = Some(Place::Private), Verdict::UplinkDown);
}

#[test]
fn a_closed_network_is_judged_by_its_collector() {
    let on_link = |rungs: &mut Vec<RungResult>| at(rungs, Rung::Collector).place = Some(Place::OnLink);
    check_changed([Ok, Skipped, Skipped, Skipped, Skipped, Skipped, Ok], on_link, Verdict::Ok);
    check_changed(
        [Ok, Skipped, Skipped, Skipped, Skipped, Skipped, Failed],
        on_link,
        Verdict::CollectorUnreachable,
    );
}

#[test]
fn a_missing_default_route_is_a_gateway_fault_even_beside_the_collector() {
    let on_link = |rungs: &mut Vec<RungResult>| at(rungs, Rung::Collector).place = Some(Place::OnLink);
    check_changed([Ok, Failed, Ok, Ok, Failed, Failed, Ok], on_link, Verdict::GatewayDown);
}

#[test]
fn a_collector_on_the_host_itself_does_not_hide_a_pulled_plug() {
    let own = |rungs: &mut Vec<RungResult>| {
        at(rungs, Rung::Collector).place = Some(Place::Host);
        at(rungs, Rung::Resolver).place = Some(Place::Host);
    };
    check_changed([Failed, Failed, Ok, Failed, Failed, Skipped, Ok], own, Verdict::LanDown);
}

#[test]
fn one_dead_name_server_of_two_is_degraded() {
    let second = |rungs: &mut Vec<RungResult>| rungs.push(rung(Rung::Resolver, Failed, Place::OnLink));
    check_changed([Ok; 7], second, Verdict::Degraded);
}

#[test]
fn one_silent_target_of_two_is_not_loss() {
    let second = |rungs: &mut Vec<RungResult>| rungs.push(rung(Rung::Internet, Failed, Place::Public));
    check_changed([Ok; 7], second, Verdict::Ok);
}

#[test]
fn one_lost_probe_in_ten_is_not_degraded_and_a_slow_line_is() {
    check_changed(
        [Ok, Ok, Ok, Ok, Lossy, Ok, Ok],
        |rungs| at(rungs, Rung::Internet).loss = Some(0.1),
        Verdict::Ok,
    );
    check_changed([Ok; 7], |rungs| at(rungs, Rung::Internet).rtt_s = Some(1.2), Verdict::Degraded);
    let pages_only = [Ok, Ok, Ok, Ok, Failed, Ok, Ok];
    check_changed(pages_only, |rungs| at(rungs, Rung::Web).rtt_s = Some(1.2), Verdict::Ok);
    check_changed(pages_only, |rungs| at(rungs, Rung::Web).rtt_s = Some(2.0), Verdict::Degraded);
}

#[test]
fn a_second_web_target_outvotes_a_hijacked_first_one() {
    let second = |rungs: &mut Vec<RungResult>| rungs.push(rung(Rung::Web, Ok, Place::Public));
    check_changed([Ok, Ok, Ok, Ok, Ok, Captive, Ok], second, Verdict::Ok);
}
