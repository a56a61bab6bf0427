//! Runs the programs that read hardware and keeps their answers for the agent, which may not run them. Takes no orders:
//! what is asked is what the agent's own sensors ask, and nothing of it comes from outside this machine.

use crate::sensor::program::answers;
use crate::sensor::{NoData, Paths, Sensor};
use std::io;
use std::path::Path;

/// Where answers are kept, unless said otherwise: the runtime directory of the unit `tram-hardware`.
pub const FOLDER: &str = "/run/tram-hardware";

/// Reads these sensors, and writes what programs answered them to a folder that is there. Gives the number of answers
/// of each program.
pub fn gather(
    sensors: Vec<Box<dyn Sensor>>,
    paths: &Paths,
    folder: &Path,
) -> io::Result<Vec<(&'static str, usize)>> {
    // Programs themselves are asked here, never their answers.
    let paths = Paths { answers: None, ..paths.clone() };
    let read = |mut sensor: Box<dyn Sensor>| {
        if let Err(error @ (NoData::Unreadable { .. } | NoData::Malformed { .. })) = sensor.read(&paths) {
            tracing::warn!(sensor = sensor.name(), %error, "hardware not read");
        }
    };
    let ((), kept) = answers::listen(|| sensors.into_iter().for_each(read));
    let written = answers::write(folder, &paths, &kept)?;
    tracing::info!(folder = %folder.display(), ?written, "answers written");
    Ok(written)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::sensor::smart::{INTERVAL, Smart};
    use crate::sensor::testing::script;

    #[test]
    fn the_agent_reads_from_answers_what_it_would_read_itself() {
        let programs = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let sysfs = tempfile::tempdir().unwrap();
        let commands = r#"case "$*" in
            *scan*) echo '{"devices":[{"name":"/dev/sda","type":"sat"}]}';;
            *) echo '{"model_name":"X","serial_number":"AB12","smart_status":{"passed":false}}';;
        esac"#;
        let program = script(programs.path(), "smartctl", commands);
        let paths = Paths {
            sysfs: sysfs.path().into(),
            programs: [("smartctl", program)].into(),
            ..Paths::default()
        };
        let sensors: Vec<Box<dyn Sensor>> = vec![Box::new(Smart::new(INTERVAL))];
        assert_eq!(gather(sensors, &paths, folder.path()).unwrap(), [("smartctl", 2)]);
        let itself = Smart::new(INTERVAL).read(&paths).unwrap();
        std::fs::write(&paths.programs["smartctl"], "#!/bin/sh\nexit 1\n").unwrap();
        let agent = Paths { answers: Some(folder.path().into()), ..paths };
        assert_eq!(Smart::new(INTERVAL).read(&agent).unwrap(), itself);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let paths = Paths::default();
        let missing = Path::new("/nonexistent/answers");
        assert_eq!(gather(vec![], &paths, missing).unwrap(), []);
        let programs = tempfile::tempdir().unwrap();
        let program = script(programs.path(), "smartctl", "echo x");
        let paths = Paths { programs: [("smartctl", program)].into(), ..paths };
        assert!(gather(vec![Box::new(Smart::new(INTERVAL))], &paths, missing).is_err());
    }
}
