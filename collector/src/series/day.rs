//! Closed chunks on disk: one SQLite file for each day of UTC and tier, which is deleted whole when its time is over.
//!
//! Owns the files and their connections. What it wrote is on disk when the call returns (`synchronous=FULL`). It must
//! not know what a chunk's bytes hold.

mod file;

use super::open::{HOUR_MS, Key, Piece};
use super::tier::Tier;
use super::{LogId, SeriesError};
use crate::model::agent::AgentId;
use crate::model::catalogue::{Catalogue, CatalogueId};
use file::is_damage;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Length of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// The last day that has a file of its own, 9999-12-31; later times lie in it too.
const LAST_DAY: i64 = 2_932_896;
/// Files open for writing and idle: today, yesterday, what arrives late, and what is being rolled up.
const WRITERS_IDLE_MAX: usize = 8;
/// Files open for reading and idle.
const READERS_IDLE_MAX: usize = 48;
/// Catalogues that are kept as read.
const CATALOGUES_MAX: usize = 256;
/// Pages that one transaction gives back to the file system.
const SHRINK_PAGES: i64 = 1_024;

/// A day of UTC, counted from 1970-01-01.
pub type Day = i64;

/// The day whose file holds a time.
pub fn day_of(time_ms: i64) -> Day {
    time_ms.div_euclid(DAY_MS).clamp(0, LAST_DAY)
}

/// When a day begins, milliseconds since 1970.
pub fn start_of(day: Day) -> i64 {
    day.saturating_mul(DAY_MS)
}

/// How a row came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it was closed: of rows of the log that may still be there.
    Fresh = 1,
    /// Of a whole day, put together from such.
    Merged = 2,
    /// Rolled up from another file's rows.
    Derived = 3,
    /// Damaged; kept, and left out.
    Unreadable = 4,
}

impl Form {
    /// Rows that were reported, not worked out.
    pub const REPORTED: [Self; 2] = [Self::Fresh, Self::Merged];

    fn of(number: i64) -> Option<Self> {
        [Self::Fresh, Self::Merged, Self::Derived, Self::Unreadable]
            .into_iter()
            .find(|form| *form as i64 == number)
    }
}

/// A row to write, with the pieces that its chunk was packed into.
#[derive(Debug)]
pub struct Row<'a> {
    /// Whose.
    pub agent: AgentId,
    /// What its columns are.
    pub catalogue: &'a Catalogue,
    /// Lowest and highest row of the log that it has samples of.
    pub logs: (LogId, LogId),
    /// How it came to be.
    pub form: Form,
    /// What it was rolled up from; see [`Days::source`].
    pub source: i64,
    /// Its bytes.
    pub pieces: Vec<Piece>,
}

/// One change of a file.
#[derive(Debug)]
pub enum Put<'a> {
    /// Chunks as they were closed.
    Fresh(&'a [Row<'a>]),
    /// Rows that take the place of others.
    Merged {
        /// Numbers of those that go.
        gone: &'a [i64],
        /// Numbers of those that cannot be read.
        unreadable: &'a [i64],
        /// What comes instead.
        rows: &'a [Row<'a>],
    },
    /// An agent's rows that were rolled up from one source, in place of what was before.
    Derived {
        /// Whose.
        agent: AgentId,
        /// From what.
        source: i64,
        /// The rows.
        rows: &'a [Row<'a>],
    },
}

/// A row as found, before its bytes are read.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Its number in the file.
    pub number: i64,
    /// How it came to be.
    pub form: Form,
    /// What it was rolled up from.
    pub source: i64,
    /// Number of its catalogue in the file.
    catalogue: i64,
}

/// A row as read.
#[derive(Debug)]
pub struct Stored {
    /// What was known before.
    pub found: Found,
    /// What it is of.
    pub key: Key,
    /// What its columns are.
    pub catalogue: Arc<Catalogue>,
    /// First and last time that it has something of, milliseconds since 1970.
    pub times_ms: (i64, i64),
    /// Lowest and highest row of the log that it has samples of.
    pub logs: (LogId, LogId),
    /// See [`super::chunk`].
    pub bytes: Vec<u8>,
}

/// Which part of the log a closed chunk has made superfluous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Rows of the log.
    pub logs: (LogId, LogId),
    /// Times of the samples, milliseconds since 1970.
    pub times_ms: (i64, i64),
}

/// Room for tiers in what names a source.
const TIERS_MAX: i64 = 4;

/// The tier that a source is of; see [`Days::source`].
pub fn source_tier(source: i64) -> Tier {
    let number = source.rem_euclid(TIERS_MAX);
    Tier::ALL.into_iter().find(|tier| *tier as i64 == number).unwrap_or(Tier::Raw)
}

/// One file.
type Place = (Tier, Day);

/// The folder of files.
#[derive(Debug)]
pub struct Days {
    directory: PathBuf,
    /// The files, and what tells each from an earlier one of its name, once that was read.
    known: Mutex<BTreeMap<Place, Option<i64>>>,
    catalogues: Mutex<HashMap<CatalogueId, Arc<Catalogue>>>,
    // Dropped before the writers: the last connection to a file puts its write-ahead log away, and readers cannot.
    readers: Mutex<Vec<(Place, Connection)>>,
    writers: Mutex<Vec<(Place, Connection)>>,
}

impl Days {
    /// The files in a folder, which is made when it is not there.
    pub fn open(directory: &Path) -> Result<Self, SeriesError> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        // The folder's name must be as durable as what is in it.
        if let Some(parent) = directory.parent() {
            std::fs::File::open(parent)?.sync_all()?;
        }
        let mut known = BTreeMap::new();
        for entry in std::fs::read_dir(directory)? {
            known.extend(entry?.file_name().to_str().and_then(place_of_file).map(|place| (place, None)));
        }
        remove_leftovers(directory, &known)?;
        Ok(Self {
            directory: directory.into(),
            known: Mutex::new(known),
            catalogues: Mutex::default(),
            writers: Mutex::default(),
            readers: Mutex::default(),
        })
    }

    /// The days that a tier has files of, from one time to before another.
    pub fn between(&self, tier: Tier, from_ms: i64, to_ms: i64) -> Vec<Day> {
        let days = day_of(from_ms)..=day_of(to_ms.saturating_sub(1)).max(day_of(from_ms));
        let places = (tier, *days.start())..=(tier, *days.end());
        locked(&self.known).range(places).map(|((_, day), _)| *day).collect()
    }

    /// Whether a tier has a file of a day.
    pub fn has(&self, tier: Tier, day: Day) -> bool {
        locked(&self.known).contains_key(&(tier, day))
    }

    /// Changes one file in one transaction. On an error nothing of it is changed.
    pub fn put(&self, tier: Tier, day: Day, puts: &[Put<'_>]) -> Result<(), SeriesError> {
        let origin = puts.iter().map(lowest_log).min().unwrap_or(0);
        self.writing((tier, day), origin, |connection| file::put(connection, puts))
    }

    /// An agent's rows of one day that have something between two times, oldest first: those that are picked when all
    /// of them are shown.
    pub fn read(
        &self,
        (tier, day): (Tier, Day),
        agent: AgentId,
        times_ms: (i64, i64),
        pick: &mut dyn FnMut(&[Found]) -> Vec<bool>,
    ) -> Result<Vec<Stored>, SeriesError> {
        let catalogues = |id: CatalogueId, read: &dyn Fn() -> Result<Catalogue, SeriesError>| {
            if let Some(known) = locked(&self.catalogues).get(&id) {
                return Ok(Arc::clone(known));
            }
            let catalogue = Arc::new(read()?);
            let mut known = locked(&self.catalogues);
            if known.len() >= CATALOGUES_MAX {
                known.clear();
            }
            known.insert(id, Arc::clone(&catalogue));
            Ok(catalogue)
        };
        self.reading((tier, day), |connection| {
            file::read(connection, tier, agent, times_ms, pick, &catalogues)
        })
    }

    /// All rows of an agent in a file that were reported.
    pub fn reported(&self, tier: Tier, day: Day, agent: AgentId) -> Result<Vec<Stored>, SeriesError> {
        let mut pick = |found: &[Found]| found.iter().map(|row| Form::REPORTED.contains(&row.form)).collect();
        self.read((tier, day), agent, (i64::MIN, i64::MAX), &mut pick)
    }

    /// What is closed of the log from a row on.
    pub fn closed_since(&self, log: LogId) -> Result<HashMap<Key, Vec<Span>>, SeriesError> {
        let mut closed: HashMap<Key, Vec<Span>> = HashMap::new();
        let places: Vec<Place> = locked(&self.known).keys().copied().collect();
        for place in places {
            let spans = self.reading(place, |connection| file::fresh_since(connection, place.0, log));
            for (key, span) in or_none_if_damaged(place, spans)? {
                closed.entry(key).or_default().push(span);
            }
        }
        Ok(closed)
    }

    /// Agents whose rows in a file are as they were closed, all of rows of the log below one; at most so many.
    pub fn fresh_agents(
        &self,
        tier: Tier,
        day: Day,
        log: LogId,
        most: usize,
    ) -> Result<Vec<AgentId>, SeriesError> {
        let place = (tier, day);
        or_none_if_damaged(place, self.reading(place, |connection| file::fresh_agents(connection, log, most)))
    }

    /// Whether any row in a file is as it was closed.
    pub fn has_fresh(&self, tier: Tier, day: Day) -> Result<bool, SeriesError> {
        or_none_if_damaged((tier, day), self.reading((tier, day), file::has_fresh))
    }

    /// Agents that have rows of some forms in a file; of one source when that is given.
    pub fn agents(
        &self,
        tier: Tier,
        day: Day,
        forms: &[Form],
        source: Option<i64>,
    ) -> Result<BTreeSet<AgentId>, SeriesError> {
        let agents = self.reading((tier, day), |connection| file::agents(connection, forms, source));
        Ok(or_none_if_damaged((tier, day), agents)?.into_iter().collect())
    }

    /// What rows that are rolled up from a file name as their source. A file that was deleted and made anew is another
    /// source: what was rolled up from the one before stays.
    pub fn source(&self, tier: Tier, day: Day) -> Result<i64, SeriesError> {
        let place = (tier, day);
        let known = locked(&self.known).get(&place).copied().flatten();
        let origin = match known {
            Some(origin) => origin,
            None => self.reading(place, file::origin)?,
        };
        locked(&self.known).entry(place).and_modify(|known| *known = Some(origin));
        Ok(origin.wrapping_mul(TIERS_MAX).wrapping_add(tier as i64))
    }

    /// Gives a file's unused pages back to the file system, in short transactions, and puts away what SQLite keeps beside
    /// it. Says whether there was anything.
    pub fn shrink(&self, tier: Tier, day: Day) -> Result<bool, SeriesError> {
        let place = (tier, day);
        let unused = or_none_if_damaged(place, self.reading(place, file::unused_pages))?;
        if unused == 0 && !BESIDE.iter().any(|suffix| beside(&self.file(place), suffix).exists()) {
            return Ok(false);
        }
        locked(&self.readers).retain(|(open, _)| *open != place);
        self.writing(place, 0, |connection| {
            while file::shrink(connection, SHRINK_PAGES)? {}
            Ok(file::put_away(connection)?)
        })?;
        locked(&self.writers).retain(|(open, _)| *open != place);
        Ok(true)
    }

    /// Deletes a tier's file of a day. Nothing may be written to it meanwhile.
    pub fn delete(&self, tier: Tier, day: Day) -> Result<(), SeriesError> {
        let place = (tier, day);
        locked(&self.known).remove(&place);
        locked(&self.writers).retain(|(open, _)| *open != place);
        locked(&self.readers).retain(|(open, _)| *open != place);
        let file = self.file(place);
        let deleted = remove(&file).and_then(|()| {
            // Without its write-ahead log a file is not what it was, so the file itself goes first, and for good.
            std::fs::File::open(&self.directory)?.sync_all()?;
            BESIDE.iter().try_for_each(|suffix| remove(&beside(&file, suffix)))
        });
        if deleted.is_err() && file.exists() {
            locked(&self.known).insert(place, None);
        }
        Ok(deleted?)
    }

    fn file(&self, place: Place) -> PathBuf {
        self.directory.join(file_of(place))
    }

    /// Works on a file with its writing connection. One that failed is not kept, so that the next attempt starts from
    /// the file as it is.
    fn writing<T>(
        &self,
        place: Place,
        origin: i64,
        work: impl FnOnce(&mut Connection) -> Result<T, SeriesError>,
    ) -> Result<T, SeriesError> {
        let mut writers = locked(&self.writers);
        let idle = writers.iter().position(|(open, _)| *open == place).map(|at| writers.remove(at).1);
        drop(writers);
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.open_writer(place, origin)?,
        };
        let result = work(&mut connection)?;
        let mut writers = locked(&self.writers);
        writers.push((place, connection));
        if writers.len() > WRITERS_IDLE_MAX {
            let (place, connection) = writers.remove(0);
            drop(writers);
            // Its day is over, so its write-ahead log would stay as long as anybody reads.
            if let Err(error) = file::checkpoint(&connection) {
                tracing::debug!(file = file_of(place), %error, "write-ahead log of a day stays for now");
            }
        }
        Ok(result)
    }

    fn open_writer(&self, place: Place, origin: i64) -> Result<Connection, SeriesError> {
        let file = self.file(place);
        let connection = match file::open_writer(&file, origin) {
            Err(SeriesError::Database(error)) if is_damage(&error) => {
                let aside = file.with_extension("db.damaged");
                tracing::error!(file = %file.display(), %error, "a day of history is damaged and set aside");
                std::fs::rename(&file, aside)?;
                file::open_writer(&file, origin)?
            }
            other => other?,
        };
        // The file's name must be as durable as what is in it.
        std::fs::File::open(&self.directory)?.sync_all()?;
        locked(&self.known).entry(place).or_default();
        Ok(connection)
    }

    /// Reads a file; the empty answer when there is none.
    fn reading<T: Default>(
        &self,
        place: Place,
        read: impl FnOnce(&Connection) -> Result<T, SeriesError>,
    ) -> Result<T, SeriesError> {
        if !locked(&self.known).contains_key(&place) {
            return Ok(T::default());
        }
        let mut readers = locked(&self.readers);
        let idle = readers.iter().rposition(|(open, _)| *open == place).map(|at| readers.remove(at).1);
        drop(readers);
        let connection = match idle {
            Some(connection) => connection,
            None => match self.open_reader(place) {
                // Deleted meanwhile.
                Err(_) if !locked(&self.known).contains_key(&place) => return Ok(T::default()),
                opened => opened?,
            },
        };
        let result = read(&connection)?;
        let mut readers = locked(&self.readers);
        // A file deleted meanwhile must not be kept from being freed by a reader of it.
        if locked(&self.known).contains_key(&place) {
            readers.push((place, connection));
        }
        if readers.len() > READERS_IDLE_MAX {
            readers.remove(0);
        }
        Ok(result)
    }

    fn open_reader(&self, place: Place) -> Result<Connection, SeriesError> {
        let file = self.file(place);
        if let Some(connection) = file::open_reader(&file)? {
            return Ok(connection);
        }
        // Of an older release, or made this very moment: opening it for writing brings it up to date.
        drop(file::open_writer(&file, 0)?);
        let again = file::open_reader(&file)?;
        again.ok_or_else(|| {
            std::io::Error::other(format!("{} does not come up to date", file.display())).into()
        })
    }
}

/// What SQLite keeps beside a file.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.to_owned().into_os_string();
    name.push(suffix);
    name.into()
}

fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes what lay beside files that were deleted, where that was cut short.
fn remove_leftovers(directory: &Path, known: &BTreeMap<Place, Option<i64>>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        let file = BESIDE.iter().find_map(|suffix| name.strip_suffix(suffix));
        if file.and_then(place_of_file).is_some_and(|place| !known.contains_key(&place)) {
            remove(&directory.join(name))?;
        }
    }
    Ok(())
}

fn lowest_log(put: &Put<'_>) -> i64 {
    let rows = match put {
        Put::Fresh(rows) | Put::Merged { rows, .. } | Put::Derived { rows, .. } => rows,
    };
    rows.iter().map(|row| row.logs.0).min().unwrap_or(0)
}

/// What was read, or nothing when the file is damaged: one lost day must not hide the others.
pub fn or_none_if_damaged<T: Default>(
    place: (Tier, Day),
    read: Result<T, SeriesError>,
) -> Result<T, SeriesError> {
    match read {
        Err(SeriesError::Database(error)) if is_damage(&error) => {
            tracing::warn!(file = file_of(place), %error, "a day of history is damaged and left out");
            Ok(T::default())
        }
        other => other,
    }
}

fn file_of((tier, day): Place) -> String {
    let date = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
    format!("{}-{date}.db", tier.name())
}

fn place_of_file(name: &str) -> Option<Place> {
    let (tier, date) = name.strip_suffix(".db")?.split_once('-')?;
    let tier = Tier::ALL.into_iter().find(|known| known.name() == tier)?;
    let date: jiff::civil::Date = date.parse().ok()?;
    let day = i64::from((date - jiff::civil::date(1970, 1, 1)).get_days());
    (file_of((tier, day)) == name).then_some((tier, day))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
