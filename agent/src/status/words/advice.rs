//! What `status` says of programs that are missing, and of what the policy wants and this host does not allow. Text
//! only.

use super::Say;
use crate::config::Cut;
use crate::sensor::advice::{Missing, What};
use crate::status::{Picture, Unfollowed};

impl Picture {
    pub(super) fn advice(&self, say: Say) -> Vec<String> {
        self.missing.iter().map(|missing| missing_words(missing, say)).collect()
    }

    pub(super) fn policy_words(&self, say: Say) -> Vec<String> {
        let unfollowed = self.status.as_ref().and_then(|status| status.unfollowed.as_ref());
        let unfollowed = unfollowed.map(|unfollowed| unfollowed_words(unfollowed, say));
        let Some((version, cuts)) = &self.policy else {
            let none = say.of(
                "Chính sách: chưa có, dùng cấu hình của máy này",
                "Policy: none, this host's own settings hold",
            );
            return [Some(none.to_owned()), unfollowed].into_iter().flatten().collect();
        };
        let before = say.of("Chính sách của trung tâm: số ", "Policy of the collector: number ");
        let mut lines = vec![format!("{before}{version}")];
        lines.extend(unfollowed);
        if !cuts.is_empty() {
            let heading = say.of("Máy này không làm theo ([limits]):", "This host does not do ([limits]):");
            lines.push(heading.to_owned());
        }
        lines.extend(cuts.iter().map(|cut| format!("  {}", cut_words(cut, say))));
        lines
    }
}

fn unfollowed_words(Unfollowed { version, words }: &Unfollowed, say: Say) -> String {
    let number = version.map(|version| format!(" {}{version}", say.of("số ", "")));
    let number = number.unwrap_or_default();
    say.of(
        format!("Chính sách mới{number} của trung tâm không hợp lệ, không được làm theo: {words}"),
        format!("A new policy{number} of the collector is not sound and not followed: {words}"),
    )
}

fn missing_words(missing: &Missing, say: Say) -> String {
    let what = match missing.what {
        What::Disks => say.of("SMART (sức khỏe ổ đĩa)", "SMART (health of disks)"),
        What::Raid => say.of("Bộ điều khiển RAID", "RAID controller"),
        What::Board => say.of("Bộ quản lý bo mạch (BMC)", "Management controller (BMC)"),
    };
    let programs = missing.programs.join(say.of(" hoặc ", " or "));
    let whence = match missing.package {
        Some(package) => format!("apt install {package}"),
        None => say.of("lấy ở trang của nhà sản xuất", "from the maker's own pages").to_owned(),
    };
    say.of(
        format!("{what}: chưa cài {programs}: {whence}"),
        format!("{what}: {programs} is not installed: {whence}"),
    )
}

fn cut_words(cut: &Cut, say: Say) -> String {
    match cut {
        Cut::ProbeInterval { asked_s, least_s } => say.of(
            format!("thử kết nối mỗi {asked_s} giây; tối thiểu {least_s} giây"),
            format!("probes every {asked_s} s; at least {least_s} s"),
        ),
        Cut::NoTargets { asked } => say.of(
            format!("{asked} mục tiêu; trung tâm không được chọn mục tiêu nào"),
            format!("{asked} targets; the collector may name none"),
        ),
        Cut::Targets { asked, most } => say.of(
            format!("{asked} mục tiêu; chỉ {most} được thử"),
            format!("{asked} targets; {most} are probed"),
        ),
        Cut::Kind { kind, target } => say.of(
            format!("thử {kind} tới {target}; loại này không được phép"),
            format!("probing {target} by {kind}; that kind is not allowed"),
        ),
        Cut::NoHours => say
            .of(
                "giờ gửi dữ liệu cũ; máy này không cho phép giờ nào trong đó, nên dữ liệu cũ không được gửi",
                "hours for history; this host allows none of them, so that no history is sent",
            )
            .to_owned(),
        Cut::Senseless { target, why } => say.of(
            format!("thử {target}; không hợp lệ: {why}"),
            format!("probing {target}; it makes no sense: {why}"),
        ),
    }
}
