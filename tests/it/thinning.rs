//! What a full spool sends in place of its oldest detail: aggregates, each taken whole or refused whole.

use tram_proto::ack::{Ack, Again, Reason};
use tram_tests::world::{Host, World};

const NUMBERS: u32 = 20;
const STEP_MS: u64 = 300_000;

fn refusals(ack: &Ack) -> Vec<(u64, Reason, Again)> {
    ack.refused.iter().map(|refused| (refused.seq, refused.reason, refused.again)).collect()
}

#[tokio::test]
async fn an_aggregate_is_taken_whole_repeated_as_a_copy_and_refused_whole_where_it_overlaps() {
    let mut world = World::held().await.unwrap();
    let mut host = Host::new(world.enroll("ubnd-1").await.unwrap());
    host.pass(STEP_MS);
    let aggregate = host.measure_aggregate(NUMBERS).unwrap();
    host.pass(15_000);
    let single = host.measure().unwrap();
    assert_eq!((aggregate.seq, single.seq), (20, 21));
    let both = [aggregate.clone(), single.clone()];
    let ack = host.send(&world, &both).await.unwrap();
    assert_eq!((ack.durable.as_slice(), ack.need), (&[(1, 21)][..], None));

    // The next one begins with what is there already, and one that ends with it has its number.
    for first in [2, 21] {
        host.next = first;
        host.pass(STEP_MS);
        let overlapping = host.measure_aggregate(NUMBERS).unwrap();
        let ack = host.send(&world, &[overlapping]).await.unwrap();
        assert_eq!(refusals(&ack), [(first + 19, Reason::Overlap, Again::Never)]);
        assert!(ack.durable.is_empty() && !ack.new_spool, "no sign of a fork");
    }

    for restarted in [false, true] {
        if restarted {
            world.abandon().await.unwrap();
            world.resume().await.unwrap();
            host.disconnect();
        }
        let again = host.send(&world, &both).await.unwrap();
        assert_eq!((again.durable.as_slice(), again.refused.len()), (&[(1, 21)][..], 0), "{restarted}");
        let known = world.running().unwrap().memory.latest.host(host.identity.agent).unwrap();
        assert_eq!(known.spools[0].seen.as_slice(), [(1, 21)], "{restarted}");
        assert_eq!(known.clone_seen_ms, None);
    }
}

#[tokio::test]
async fn what_will_never_come_is_asked_for_no_more_and_counted_as_lost() {
    let world = World::held().await.unwrap();
    let mut host = Host::new(world.enroll("ubnd-1").await.unwrap());
    for next in [1, 5, 9] {
        host.next = next;
        host.pass(15_000);
        host.report(&world).await.unwrap();
    }
    host.next = 10;
    host.gone = vec![(6, 8)];
    host.pass(15_000);
    assert_eq!(host.report(&world).await.unwrap().need, Some((2, 4)), "the gap before is named now");
    let known = world.running().unwrap().memory.latest.host(host.identity.agent).unwrap();
    assert_eq!(known.spools[0].lost, 3);
}
