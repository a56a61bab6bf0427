#!/bin/sh
# Cài tác tử Trạm trên máy này và ghi danh với trung tâm. / Installs the Trạm agent on this machine and enrols it.
# The command that fetched this file has checked its SHA-256; this file checks that of the program.
set -eu

collector='@COLLECTOR@'
source='@SOURCE@'
token="${1-}"
program=/usr/bin/tram-agent
units=/etc/systemd/system
state=/var/lib/tram-agent

say() { # Vietnamese, English
  case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in vi*) printf '%s\n' "$1" ;; *) printf '%s\n' "$2" ;; esac
}
fail() {
  say "Lỗi: $1" "Error: $2" >&2
  exit 1
}

[ -n "$token" ] || fail 'thiếu mã ghi danh' 'the enrolment token is missing'
[ "$(id -u)" = 0 ] || fail 'cần quyền root: hãy chạy bằng sudo' 'this needs root: run it with sudo'

package= sum=
case "$(uname -m)" in
@CASES@
esac
[ -n "$package" ] || fail "trung tâm không có gói cho bộ xử lý $(uname -m)" \
  "the collector has no package for the processor $(uname -m)"

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
say "Đang tải $package" "Fetching $package"
# The certificate is not trusted yet; the hash below is what counts.
curl -fsSko "$folder/tram-agent" "$source/$package" || fail "không tải được $source/$package" "cannot fetch $source/$package"
echo "$sum  $folder/tram-agent" | sha256sum -c --quiet - >/dev/null 2>&1 ||
  fail 'tệp tải về không đúng SHA-256, không có gì được cài' 'the fetched file has another SHA-256, nothing was installed'

id tram-agent >/dev/null 2>&1 ||
  useradd --system --user-group --no-create-home --home-dir "$state" --shell /usr/sbin/nologin tram-agent
# The running agent, if there is one, keeps its open file; the name changes at once.
install -m 0755 "$folder/tram-agent" "$program.new"
mv -f "$program.new" "$program"
install -d -m 0700 -o tram-agent -g tram-agent "$state"

say 'Đang ghi danh' 'Enrolling'
TRAM_ENROLL_TOKEN="$token" "$program" enroll --collector "$collector" ||
  fail 'ghi danh không thành công, xem lý do ở trên' 'enrolling failed, the reason is above'
chown -R tram-agent:tram-agent "$state"

if [ -d /run/systemd/system ]; then
  cat >"$units/tram-agent.service" <<'TRAM_UNIT'
@UNIT@
TRAM_UNIT
  # Reads disks, RAID and BMC by programs that only root may run; the agent takes their answers.
  cat >"$units/tram-hardware.service" <<'TRAM_UNIT'
@HARDWARE_UNIT@
TRAM_UNIT
  cat >"$units/tram-hardware.timer" <<'TRAM_UNIT'
@HARDWARE_TIMER@
TRAM_UNIT
  systemctl daemon-reload
  systemctl enable --now tram-hardware.timer >/dev/null 2>&1 || true
  systemctl start --no-block tram-hardware.service >/dev/null 2>&1 || true
  systemctl enable tram-agent.service >/dev/null 2>&1
  systemctl restart tram-agent.service
  say 'Xong: tác tử đang chạy. Xem: tram-agent status' 'Done: the agent runs. See: tram-agent status'
else
  say 'Xong. Máy này không dùng systemd; hãy chạy: tram-agent run' 'Done. This machine has no systemd; run: tram-agent run'
fi
