//! How an agent ends: what its host says of a supply that gives out is with the collector at once, and nothing is left running.

use crate::program::{self, until};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tram_agent::urgency::URGENT_INTERVAL;
use tram_collector::model::component::Component;
use tram_tests::net::{SmallNet, privileged};
use tram_tests::world::World;

/// How long anything else may take, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// A NUT server with one supply, whose status the story sets.
struct Upsd {
    port: u16,
    status: Arc<Mutex<&'static str>>,
}

impl Upsd {
    /// Listens on the host's own address, until the process ends.
    fn start(net: &SmallNet) -> Self {
        let listener = net.host().enter(|| TcpListener::bind("127.0.0.1:0")).unwrap().unwrap();
        let upsd = Self { port: listener.local_addr().unwrap().port(), status: Arc::new(Mutex::new("OL")) };
        let status = Arc::clone(&upsd.status);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                answer(stream, &status);
            }
        });
        upsd
    }

    fn say(&self, status: &'static str) {
        *self.status.lock().unwrap() = status;
    }
}

/// Answers as `upsd` does, until the client hangs up.
fn answer(mut stream: TcpStream, status: &Mutex<&'static str>) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        let text = match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["VER"] => "Network UPS Tools upsd 2.8.0\n".to_owned(),
            ["LIST", "UPS"] => "BEGIN LIST UPS\nUPS rack \"Rack\"\nEND LIST UPS\n".to_owned(),
            ["LIST", "VAR", name] => {
                let status = *status.lock().unwrap();
                let var = |key: &str, value: &str| format!("VAR {name} {key} \"{value}\"\n");
                let vars = var("ups.status", status) + &var("ups.serial", "S1") + &var("battery.charge", "9");
                format!("BEGIN LIST VAR {name}\n{vars}END LIST VAR {name}\n")
            }
            _ => return,
        };
        if stream.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

/// The supply as the collector has it.
fn supply(world: &World) -> Option<Component> {
    let host = world.running().unwrap().memory.latest.all().pop()?;
    host.components.iter().find(|part| part.kind == "ups").cloned()
}

#[test]
fn a_supply_on_its_last_charge_is_told_at_once_whatever_was_sent_just_before() {
    privileged(|| {
        let runtime = program::runtime();
        let (world, net) = program::reached_world(&runtime);
        let upsd = Upsd::start(&net);
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        // The next regular send is a day away, and probes change nothing meanwhile.
        let rhythm = "[intervals]\nsample_s = 1\nsend_s = 86400\nprobe_s = 86400\n";
        let ups = format!("[ups]\nserver = \"127.0.0.1:{}\"\n", upsd.port);
        let more = rhythm.to_owned() + &ups;
        let settings = program::enrolled(&runtime, (&world, &net), folder.path(), &more);
        let mut agent = program::run(&net, Command::new(program::path()), &settings, &log);
        let said = || format!("{:?} {}", supply(&world), std::fs::read_to_string(&log).unwrap());
        let is_told =
            |word: &str| supply(&world).is_some_and(|part| part.reasons.iter().any(|reason| reason == word));
        until("known", PATIENCE, &said, || supply(&world).is_some());

        // Another state of a part is urgent, as often as urgent sends may be.
        upsd.say("OB DISCHRG");
        until("on battery", PATIENCE, &said, || is_told("on battery"));
        // The battery does not last until the next of those: this one does not wait for it.
        upsd.say("OB DISCHRG LB");
        let after = until("told", URGENT_INTERVAL / 2, &said, || is_told("battery low"));
        println!("the collector knew after {after:?}");
        agent.stop();
    });
}

#[test]
fn no_program_that_an_agent_started_outlives_it() {
    privileged(|| {
        let runtime = program::runtime();
        let (world, net) = program::reached_world(&runtime);
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (log, slow, started) = (path("log"), path("smartctl"), path("pid"));
        program::write_script(&slow, &format!("echo $$ > {started:?}\nsleep 600"));
        let paths = format!("[paths]\nsmartctl = {slow:?}\n");
        let settings = program::enrolled(&runtime, (&world, &net), folder.path(), &paths);
        let mut agent = program::run(&net, Command::new(program::path()), &settings, &log);
        let said = || std::fs::read_to_string(&log).unwrap();
        let pid = || std::fs::read_to_string(&started).unwrap_or_default();
        until("started", PATIENCE, &said, || pid().ends_with('\n'));
        let stat = format!("/proc/{}/stat", pid().trim());
        let is_gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        assert!(!is_gone(), "it runs for ten minutes");
        agent.stop();
        until("ended", PATIENCE, &said, is_gone);
    });
}
