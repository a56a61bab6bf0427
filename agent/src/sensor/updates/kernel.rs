//! Which of two kernels is the newer, by their names. Pure.

/// Whether a newer kernel of the running one's kind is installed; none where the running one is not among those
/// installed, as in a container: then nothing can be said.
pub fn is_outdated(running: &str, installed: &[String]) -> Option<bool> {
    if !installed.iter().any(|name| name == running) {
        return None;
    }
    let own = (flavour(running), numbers(running));
    Some(installed.iter().any(|name| flavour(name) == own.0 && numbers(name) > own.1))
}

/// What is not a number of it: `-amd`, `-generic`, `.el_.x_`.
fn flavour(name: &str) -> String {
    name.chars().filter(|character| character.is_ascii_alphabetic()).collect()
}

fn numbers(name: &str) -> Vec<u64> {
    name.split(|character: char| !character.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outdated(running: &str, installed: &[&str]) -> Option<bool> {
        is_outdated(running, &installed.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn kernels_are_compared_within_their_kind() {
        assert_eq!(outdated("6.1.0-18-amd64", &["6.1.0-18-amd64", "6.1.0-9-amd64"]), Some(false));
        assert_eq!(outdated("6.1.0-18-amd64", &["6.1.0-18-amd64", "6.1.0-21-amd64"]), Some(true));
        assert_eq!(outdated("6.1.0-18-amd64", &["6.1.0-18-amd64", "6.1.0-21-cloud-amd64"]), Some(false));
        assert_eq!(outdated("5.15.0-91-generic", &["5.15.0-91-generic", "6.5.0-15-generic"]), Some(true));
        let [old, new] = ["5.14.0-362.8.1.el9_3.x86_64", "5.14.0-362.13.1.el9_3.x86_64"];
        assert_eq!(outdated(old, &[old, new]), Some(true));
        assert_eq!(outdated(new, &[old, new]), Some(false));
    }

    #[test]
    fn nothing_is_said_of_a_kernel_that_is_not_installed_here() {
        assert_eq!(outdated("6.8.12-pve", &["6.1.0-18-amd64"]), None);
        assert_eq!(outdated("6.8.12-pve", &[]), None);
    }
}
