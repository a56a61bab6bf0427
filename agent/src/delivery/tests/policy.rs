//! Policies that come and are none to follow: told as that, and everything goes on.

use super::*;

#[tokio::test]
async fn a_policy_out_of_bounds_is_passed_over_and_not_taken_for_a_cut() {
    let bad = [
        (Reply::json(200, &Policy { version: 3, send_interval_s: Some(1), ..Policy::default() }), Some(3)),
        (Reply::Answer { status: 200, body: b"[]".to_vec() }, None),
    ];
    for (reply, expected) in bad {
        let Reply::Answer { status, body: policy } = reply else { panic!("no answer") };
        let collector = Collector::start(move |_, body| {
            if body.is_empty() {
                return Reply::Answer { status, body: policy.clone() };
            }
            let plain = plain(body);
            let durable = Batch::decode(&plain).unwrap().reports.iter().map(|framed| framed.0).collect();
            Reply::json(200, &Ack { policy: 3, ..ack(durable, real_ms()) })
        });
        let state = tempfile::tempdir().unwrap();
        let mut delivery = enrolled(&collector, state.path(), clock(0)).await;
        submit(&mut delivery, 1.0);
        assert_eq!(delivery.step().await, Outcome::Acked { settled: 1, pending: 0 });
        let Outcome::Unfollowed { version, words } = delivery.step().await else { panic!("followed") };
        assert_eq!(version, expected);
        assert!(words.contains("outside 5 to 86400") || words.contains("no policy"), "{words}");
        assert_eq!(delivery.standing(), (Standing::Fine, 0));
        submit(&mut delivery, 2.0);
        assert_eq!(
            delivery.step().await,
            Outcome::Acked { settled: 1, pending: 0 },
            "not asked for again at once"
        );
    }
}
