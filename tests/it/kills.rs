//! What the history survives: kills at any instant while reports come in, hours close, the log is trimmed, days are
//! merged, rolled up and deleted.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tram_tests::durability::course::{self, Course, Phase};
use tram_tests::durability::script::{DAY_MS, ROUNDS_PER_DAY, START_MS, Script, start_of};
use tram_tests::durability::truth::Truth;
use tram_tests::files::{copy, folder_in_memory};
use tram_tests::fleet::dice::Dice;

const DAYS: usize = 8;
const KILLS: usize = 100;
/// Kills of each day in each phase, beside those while days are deleted.
const KILLS_OF_DAY: usize = 3;
/// Kills of each day while days are deleted, and the first day that has any to delete.
const KILLS_OF_DELETING: usize = 5;
const DELETING_FROM: usize = 4;
/// How long a phase takes while nothing is known about it.
const USUAL: Duration = Duration::from_millis(5);
/// Rounds of a day in which there are days to merge.
const MERGING: std::ops::RangeInclusive<usize> = 9..=27;

/// The seed of a story: its own, or the one that is asked for to see a failure again.
pub(crate) fn seed(own: u64) -> u64 {
    let asked = std::env::var("TRAM_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    asked.unwrap_or(own)
}

/// What is to be hit next: a phase, in a day.
type Aim = (usize, Phase);

fn aims() -> VecDeque<Aim> {
    let mut aims = VecDeque::new();
    for day in 1..DAYS {
        let deleting = if day < DELETING_FROM { 0 } else { KILLS_OF_DELETING };
        aims.extend(std::iter::repeat_n((day, Phase::Retain), deleting));
        for phase in [Phase::Compact, Phase::Trim, Phase::Settle, Phase::Ingest] {
            aims.extend(std::iter::repeat_n((day, phase), KILLS_OF_DAY));
        }
    }
    aims
}

/// Whether there is something to hit in this round.
fn is_in_sight((day, phase): Aim, round: usize) -> bool {
    let of_day = round % ROUNDS_PER_DAY;
    round / ROUNDS_PER_DAY >= day
        && match phase {
            Phase::Compact => MERGING.contains(&of_day),
            Phase::Retain => of_day == 0,
            Phase::Ingest | Phase::Settle | Phase::Trim => true,
        }
}

/// Runs on until what is aimed at goes on, and kills it there; says whether that was in time, or none when it came to
/// its end.
fn kill_once(
    data_dir: &Path,
    seed: u64,
    truth: &mut Truth,
    aim: Option<Aim>,
    usual: &mut BTreeMap<Phase, Duration>,
    dice: &mut Dice,
) -> Option<Option<Phase>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.arg(data_dir).args([seed, DAYS as u64, truth.next_round as u64].map(|number| number.to_string()));
    command.arg((DAYS * ROUNDS_PER_DAY).to_string());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    truth.phase = None;
    let mut began = Instant::now();
    while let Some(line) = lines.next() {
        let before = truth.phase;
        truth.hear(&line).unwrap();
        if let (Some(phase), None) = (before, truth.phase) {
            usual.insert(phase, began.elapsed());
        }
        if line.starts_with("begin") {
            began = Instant::now();
        }
        let is_hit = line.starts_with("begin") && aim.map(|(_, phase)| phase) == truth.phase;
        if is_hit && aim.is_some_and(|aim| is_in_sight(aim, truth.next_round)) {
            let usual = truth.phase.and_then(|phase| usual.get(&phase)).copied().unwrap_or(USUAL);
            std::thread::sleep(usual.mul_f64(dice.unit()));
            child.kill().unwrap();
            lines.for_each(|line| truth.hear(&line).unwrap());
            child.wait().unwrap();
            return Some(truth.phase);
        }
    }
    assert!(child.wait().unwrap().success(), "the course failed");
    None
}

/// Opens a copy of the folder as it was left, and compares it with what was said.
fn check(data_dir: &Path, truth: &Truth, script: &Arc<Script>, all: bool, dice: &mut Dice) {
    let dir = folder_in_memory().unwrap();
    let copied = dir.path().join("data");
    copy(data_dir, &copied).unwrap();
    let round = truth.next_round;
    let course = Course::open(&copied, Arc::clone(script), round, Arc::new(|_: &str| {})).unwrap();
    let agents = course::agents(&copied).unwrap();
    // What has come of this round has come at its end.
    let now_ms = start_of(round + 1) - 1;
    let today = (now_ms - START_MS) / DAY_MS;
    let any = dice.below(usize::try_from(today).unwrap() + 1) as i64;
    let days = if all { vec![0..=today] } else { vec![today - 1..=today, any..=any] };
    for days in days {
        truth.check(course.core().series(), &agents, now_ms, days).unwrap();
    }
    course.close().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_kills_while_days_are_kept_and_deleted_lose_and_double_no_sample() {
    let seed = seed(20_261_125);
    println!("seed {seed}: TRAM_TEST_SEED={seed} shows this again, as far as kills can be timed");
    let dir = folder_in_memory().unwrap();
    let data_dir = dir.path().join("data");
    course::found(&data_dir).unwrap();
    let script = Arc::new(Script::new(seed, DAYS));
    let (mut truth, mut dice) = (Truth::new(Arc::clone(&script)), Dice::new(seed, "kills"));
    let (mut usual, mut hits) = (BTreeMap::new(), BTreeMap::<Phase, usize>::new());
    let (mut aims, mut kills) = (aims(), 0);
    while let Some(hit) = kill_once(&data_dir, seed, &mut truth, aims.front().copied(), &mut usual, &mut dice)
    {
        kills += 1;
        assert!(kills < 10 * KILLS, "hardly any kill hits what it is aimed at: {hits:?}");
        if let Some(phase) = hit {
            *hits.entry(phase).or_default() += 1;
        }
        if hit == aims.front().map(|(_, phase)| *phase) {
            aims.pop_front();
        }
        check(&data_dir, &truth, &script, kills % 25 == 0, &mut dice);
    }
    check(&data_dir, &truth, &script, true, &mut dice);
    println!("{kills} kills, of which {hits:?}; {} samples acknowledged", truth.acked());
    assert!(kills >= KILLS, "only {kills} kills");
    for phase in Phase::ALL {
        assert!(hits.get(&phase).is_some_and(|hits| *hits >= KILLS / 10), "{}: {hits:?}", phase.name());
    }
}
