//! Many of the collector's addresses are silent, as behind a packet filter: the one that answers is found in time.

use crate::program::{self, PORT, until};
use std::process::Command;
use std::time::Duration;
use tram_tests::net::{plan, privileged};

/// What is promised.
const WITHIN: Duration = Duration::from_secs(60);

#[test]
fn the_one_of_eight_addresses_that_answers_is_reached_within_a_minute() {
    privileged(|| {
        let runtime = program::runtime();
        let (world, net) = program::reached_world(&runtime);
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        // Nobody has these, and nobody says so.
        let mut urls: Vec<String> = (1..8).map(|last| format!("https://192.0.2.{last}:{PORT}")).collect();
        urls.push(format!("https://{}:{PORT}", plan().collector));
        let collector = format!("[collector]\nurls = {urls:?}\n");
        let settings = program::enrolled(&runtime, (&world, &net), folder.path(), &collector);
        let mut agent = program::run(&net, Command::new(program::path()), &settings, &log);
        let said = || std::fs::read_to_string(&log).unwrap();
        let is_known = || world.running().unwrap().memory.latest.all().iter().any(|host| host.at_ms > 0);
        let after = until("reached", WITHIN, &said, is_known);
        println!("the collector had the first report after {after:?}");
        agent.stop();
    });
}
