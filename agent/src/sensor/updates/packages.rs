//! What package managers print of updates, counted. Pure.

use crate::tree::tree;

/// Packages that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pending {
    /// All of them.
    pub all: usize,
    /// Those that close a hole; none where the manager does not tell.
    pub security: Option<usize>,
}

/// `apt-get -s dist-upgrade`: a line `Inst NAME [OLD] (NEW ORIGIN..)` for each, and a line that sums up. None where the
/// text has no such line: then it is not that.
pub fn parse_apt(text: &str) -> Option<Pending> {
    let installs: Vec<&str> = text.lines().filter(|line| line.starts_with("Inst ")).collect();
    let sums_up = text.lines().any(|line| line.contains(" upgraded, ") && line.contains(" newly installed"));
    let is_security = |line: &&&str| {
        // The origin is what the parenthesis says after the version: `Debian-Security:12/stable-security`.
        let origin = line.split_once('(').map_or("", |(_, origin)| origin).to_lowercase();
        origin.contains("-security") || origin.contains("ubuntuesm")
    };
    let security = installs.iter().filter(is_security).count();
    (sums_up || !installs.is_empty()).then_some(Pending { all: installs.len(), security: Some(security) })
}

/// Ubuntu's note: `12 updates can be applied immediately.` and `5 of these updates are standard security updates.`, in
/// the words of its releases since 16.04. None where it says neither.
pub fn parse_notice(text: &str) -> Option<Pending> {
    let mut pending = None;
    for line in text.lines().map(str::trim) {
        let number = line.split_whitespace().next().and_then(|word| word.parse::<usize>().ok());
        let is_about_updates = line.contains("update") || line.contains("package");
        let Some(number) = number.filter(|_| is_about_updates) else { continue };
        let is_extra =
            line.contains("additional") || line.contains("ESM") && !line.contains("can be applied");
        if is_extra {
            continue;
        }
        if line.contains("security") {
            pending.get_or_insert(Pending::default()).security = Some(number);
        } else if line.contains("can be") {
            let known = pending.get_or_insert(Pending { all: 0, security: Some(0) });
            known.all = number;
        }
    }
    pending
}

/// `dnf check-update`: `NAME.ARCH VERSION REPOSITORY` for each; what is behind `Obsoleting Packages` is said twice.
pub fn parse_dnf(text: &str) -> usize {
    let is_package = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_new = !line.starts_with(char::is_whitespace);
        is_new
            && matches!(words.as_slice(), [name, version, _] if name.contains('.') && version.contains(|c: char| c.is_ascii_digit()))
    };
    text.lines().take_while(|line| !line.starts_with("Obsoleting")).filter(is_package).count()
}

/// `dnf updateinfo list --security`: `ADVISORY SEVERITY/Sec. PACKAGE`, a package once for each advisory.
pub fn parse_updateinfo(text: &str) -> usize {
    let package = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // dnf5 has a column for the kind, and one for the date behind the package.
        let is_security = words.iter().any(|word| word.ends_with("/Sec.") || *word == "security");
        let package = words
            .iter()
            .skip(1)
            .find(|word| word.contains('-') && word.contains('.') && !word.starts_with("20"));
        package.filter(|_| is_security).map(|package| (*package).to_owned())
    };
    tree::<std::collections::BTreeSet<_>, _>(text.lines().filter_map(package)).len()
}

/// Rows of a table of zypper's that have `word` among their cells.
pub fn parse_zypper(text: &str, word: &str) -> usize {
    text.lines().filter(|line| line.contains('|') && line.split('|').any(|cell| cell.trim() == word)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apt_tells_security_by_the_origin() {
        let text = "Reading package lists...\nThe following packages will be upgraded:\n  curl libc6\n2 upgraded, 1 newly installed, 0 to remove and 1 not upgraded.\nInst linux-image-6.1.0-21-amd64 (6.1.90-1 Debian-Security:12/stable-security [amd64])\nInst curl [7.88.1-10+deb12u4] (7.88.1-10+deb12u5 Debian:12.5/stable [amd64])\nInst libc6 [2.35-0ubuntu3.6] (2.35-0ubuntu3.7 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64])\nConf curl (7.88.1)\n";
        assert_eq!(parse_apt(text), Some(Pending { all: 3, security: Some(2) }));
        let none = "0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n";
        assert_eq!(parse_apt(none), Some(Pending { all: 0, security: Some(0) }));
        assert_eq!(parse_apt("E: Could not open lock file\n"), None);
    }

    #[test]
    fn ubuntus_note_is_read_in_the_words_of_each_release() {
        let new = "Expanded Security Maintenance for Applications is not enabled.\n\n12 updates can be applied immediately.\n5 of these updates are standard security updates.\nTo see these additional updates run: apt list --upgradable\n\n3 additional security updates can be applied with ESM Apps.\n";
        assert_eq!(parse_notice(new), Some(Pending { all: 12, security: Some(5) }));
        let old = "\n8 packages can be updated.\n0 updates are security updates.\n";
        assert_eq!(parse_notice(old), Some(Pending { all: 8, security: Some(0) }));
        assert_eq!(
            parse_notice("\n0 updates can be applied immediately.\n"),
            Some(Pending { all: 0, security: Some(0) })
        );
        assert_eq!(parse_notice(""), None);
    }

    #[test]
    fn dnf_and_zypper_are_counted() {
        let updates = "\nkernel.x86_64                5.14.0-362.13.1.el9_3        baseos\nopenssl.x86_64   1:3.0.7-25.el9_3  baseos\nObsoleting Packages\nx.noarch 1.0 y\n";
        assert_eq!(parse_dnf(updates), 2);
        assert_eq!(parse_dnf(""), 0);
        let advisories = "RHSA-2023:7749 Important/Sec. kernel-5.14.0-362.13.1.el9_3.x86_64\nRHSA-2023:7750 Moderate/Sec.  kernel-5.14.0-362.13.1.el9_3.x86_64\nFEDORA-2024-1 bugfix vim-9.1-1.fc40.x86_64\nFEDORA-2024-a6f4ad5b9a security   Important openssl-1:3.2.1-2.fc40.x86_64 2024-05-01 01:02:03\n";
        assert_eq!(parse_updateinfo(advisories), 2);
        let table = "S | Repository | Name | Current | Available | Arch\n--+---+---\nv | main | curl | 8.0 | 8.1 | x86_64\nv | main | zlib | 1 | 2 | x86_64\n";
        assert_eq!(parse_zypper(table, "v"), 2);
        let patches = "Repository | Name | Category | Severity | Interactive | Status | Summary\nu | SUSE-1 | security | important | --- | needed | x\nu | SUSE-2 | security | important | --- | not needed | x\n";
        assert_eq!(parse_zypper(patches, "needed"), 1);
    }
}
