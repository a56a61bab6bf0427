//! What the history survives: the power is cut at any instant, and the disk forgets what was not synced.

use crate::kills::seed;
use anyhow::Context as _;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use tram_tests::durability::course::{self, Course, Phase};
use tram_tests::durability::disk::{Disk, Remains};
use tram_tests::durability::script::{DAY_MS, ROUNDS_PER_DAY, START_MS, Script, start_of};
use tram_tests::durability::trace::{self, Act};
use tram_tests::durability::truth::Truth;
use tram_tests::files::{copy, folder_in_memory};
use tram_tests::fleet::dice::Dice;

const DAYS: usize = 7;
/// The program goes so far; the rest is for those who go on after a cut.
const TRACED: usize = 6 * ROUNDS_PER_DAY;
const CUTS: usize = 100;
/// Rounds that are gone on with after a cut.
const ROUNDS_AFTER: usize = 2;
/// Acts after a name has changed within which half of the cuts are made: there most can go wrong.
const NEAR: usize = 8;

/// What a cut hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hit {
    Ingest,
    Settle,
    Trim,
    Merge,
    RollUp,
    Retain,
}

impl Hit {
    fn of(phase: Option<Phase>, path: &Path) -> Self {
        let text = path.to_string_lossy();
        let is_history = text.starts_with("series");
        match phase {
            Some(Phase::Trim) => Self::Trim,
            Some(Phase::Retain) => Self::Retain,
            Some(Phase::Settle) if is_history => Self::Settle,
            Some(Phase::Compact) if text.starts_with("series/raw") => Self::Merge,
            Some(Phase::Compact) if is_history => Self::RollUp,
            Some(Phase::Ingest | Phase::Settle | Phase::Compact) | None => Self::Ingest,
        }
    }
}

/// Has the program go its course under `strace`, and says what it did to the folder.
fn traced(data_dir: &Path, seed: u64) -> Vec<Act> {
    let file = data_dir.with_extension("trace");
    let mut command = Command::new("strace");
    command.args(trace::ARGUMENTS).arg("-o").arg(&file).arg(env!("CARGO_BIN_EXE_course")).arg(data_dir);
    command.args([seed, DAYS as u64, 0, TRACED as u64].map(|number| number.to_string()));
    let output = command.stdout(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut reader = trace::Reader::new(data_dir);
    for (number, line) in BufReader::new(std::fs::File::open(&file).unwrap()).lines().enumerate() {
        let read = reader.line(&line.unwrap());
        read.unwrap_or_else(|error| panic!("line {} of the trace: {error:#}", number + 1));
    }
    std::fs::remove_file(&file).unwrap();
    let acts = reader.finish();
    let heard: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    let said = |act: &Act| if let Act::Said(line) = act { Some(line.clone()) } else { None };
    assert_eq!(acts.iter().filter_map(said).collect::<Vec<_>>(), heard, "the trace has all that was said");
    acts
}

/// Acts before which to cut, and what that hits: as many of each kind, half of them where names have just changed.
fn cuts(acts: &[Act], script: &Arc<Script>, dice: &mut Dice) -> BTreeMap<usize, Hit> {
    let mut truth = Truth::new(Arc::clone(script));
    let (mut all, mut near) = (BTreeMap::<Hit, Vec<usize>>::new(), BTreeMap::<Hit, Vec<usize>>::new());
    let (mut names, mut named) = (BTreeSet::new(), None);
    for (place, act) in acts.iter().enumerate() {
        if let Act::Said(line) = act {
            truth.hear(line).unwrap();
        }
        let Some(path) = act.path().filter(|path| !trace::is_index(path)) else { continue };
        let hit = Hit::of(truth.phase, path);
        all.entry(hit).or_default().push(place);
        if named.is_some_and(|named| place - named < NEAR) {
            near.entry(hit).or_default().push(place);
        }
        let is_named = match act {
            Act::Create(_) => names.insert(path),
            Act::Unlink(_) => names.remove(path),
            Act::Folder(_) | Act::Rename(..) => true,
            Act::Said(_) | Act::Write(..) | Act::Truncate(..) | Act::Sync(..) => false,
        };
        if is_named {
            named = Some(place);
        }
    }
    let mut cuts = BTreeMap::new();
    let each = CUTS.div_ceil(all.len());
    for (hit, places) in &all {
        let near = near.get(hit).filter(|near| !near.is_empty()).unwrap_or(places);
        for number in 0..each * 4 {
            if cuts.values().filter(|cut| *cut == hit).count() < each {
                let places = if number % 2 == 0 { places } else { near };
                cuts.entry(*dice.pick(places)).or_insert(*hit);
            }
        }
    }
    cuts
}

/// Opens what is found after a cut, compares it with what was said before it, goes on, and compares again.
async fn survives(
    remains: &Remains,
    truth: &Truth,
    script: &Arc<Script>,
    dice: &mut Dice,
) -> anyhow::Result<()> {
    let dir = folder_in_memory()?;
    let data_dir = dir.path().join("data");
    remains.write(&data_dir)?;
    let agents = course::agents(&data_dir)?;
    let round = truth.next_round;
    let after = Arc::new(Mutex::new(truth.clone()));
    let hearing = Arc::clone(&after);
    let say = Arc::new(move |line: &str| hearing.lock().unwrap().hear(line).unwrap());
    let mut course = Course::open(&data_dir, Arc::clone(script), round, say).context("opening")?;
    let today = (start_of(round + 1) - 1 - START_MS) / DAY_MS;
    let any = dice.below(usize::try_from(today)? + 1) as i64;
    for days in [today - 1..=today, any..=any] {
        truth.check(course.core().series(), &agents, start_of(round + 1) - 1, days)?;
    }
    course.run(round..round + ROUNDS_AFTER).await?;
    let last = round + ROUNDS_AFTER;
    course.tidy(last).await.context("tidying")?;
    let truth = after.lock().unwrap().clone();
    let days = [today - 1..=today, any..=any];
    for days in days {
        truth.check(course.core().series(), &agents, start_of(last + 1) - 1, days).context("later")?;
    }
    course.close()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_cuts_of_the_power_while_days_are_kept_and_deleted_lose_and_double_no_sample() {
    let seed = seed(20_261_126);
    println!("seed {seed}: TRAM_TEST_SEED={seed} shows this again");
    let dir = folder_in_memory().unwrap();
    let data_dir = dir.path().canonicalize().unwrap().join("data");
    course::found(&data_dir).unwrap();
    let base = dir.path().join("base");
    copy(&data_dir, &base).unwrap();
    let script = Arc::new(Script::new(seed, DAYS));
    let mut dice = Dice::new(seed, "cuts");
    let acts = traced(&data_dir, seed);
    let cuts = cuts(&acts, &script, &mut dice);
    let (mut disk, mut truth) = (Disk::of(&base).unwrap(), Truth::new(Arc::clone(&script)));
    let (mut hits, mut failures) = (BTreeMap::<Hit, usize>::new(), Vec::new());
    for (place, act) in acts.iter().enumerate() {
        if let Some(hit) = cuts.get(&place) {
            *hits.entry(*hit).or_default() += 1;
            let survived = survives(&disk.cut(&mut dice), &truth, &script, &mut dice).await;
            let told = |error| format!("cut before act {place}, {hit:?} of {:?}: {error:#}", act.path());
            failures.extend(survived.err().map(told));
        }
        disk.perform(act);
        if let Act::Said(line) = act {
            truth.hear(line).unwrap();
        }
    }
    println!("{hits:?} of {} acts; {} samples acknowledged", acts.len(), truth.acked());
    assert!(failures.is_empty(), "{} cuts were not survived:\n{}", failures.len(), failures.join("\n"));
    assert!(hits.values().sum::<usize>() >= CUTS, "{hits:?}");
    assert_eq!(hits.len(), 6, "{hits:?}");
    assert!(hits.values().all(|count| *count >= CUTS / 10), "{hits:?}");
}
