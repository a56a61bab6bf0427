# Cài tác tử Trạm trên máy này và ghi danh với trung tâm. / Installs the Trạm agent on this machine and enrols it.
# The command that fetched this text has checked its SHA-256; this text checks that of the program.
param([string]$Token)
$ErrorActionPreference = 'Stop'

$collector = '@COLLECTOR@'
$source = '@SOURCE@'
$folder = "$env:ProgramFiles\Tram"

function Text($vietnamese, $english) {
  if ((Get-UICulture).Name -like 'vi*') { $vietnamese } else { $english }
}
function Say($vietnamese, $english) { Write-Host (Text $vietnamese $english) }
function Fail($vietnamese, $english) { throw (Text "Lỗi: $vietnamese" "Error: $english") }

if (-not $Token) { Fail 'thiếu mã ghi danh' 'the enrolment token is missing' }
$me = [Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()
if (-not $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
  Fail 'hãy mở PowerShell bằng quyền quản trị (Run as administrator)' 'open PowerShell as administrator'
}

$processor = if ($env:PROCESSOR_ARCHITEW6432) { $env:PROCESSOR_ARCHITEW6432 } else { $env:PROCESSOR_ARCHITECTURE }
$package = $null
switch ($processor) {
@CASES@
}
if (-not $package) {
  Fail "trung tâm không có gói cho bộ xử lý $processor" "the collector has no package for the processor $processor"
}

# Only administrators can write there, so nobody changes the file between the check and the start.
New-Item -ItemType Directory -Force $folder | Out-Null
$fetched = "$folder\tram-agent.fetched.exe"
Say "Đang tải $package" "Fetching $package"
try {
  # The certificate is not trusted yet; the hash below is what counts.
  [Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
  [Net.ServicePointManager]::ServerCertificateValidationCallback = { $true }
  (New-Object Net.WebClient).DownloadFile("$source/$package", $fetched)
} finally {
  [Net.ServicePointManager]::ServerCertificateValidationCallback = $null
}
if ((Get-FileHash -Algorithm SHA256 $fetched).Hash -ne $sum) {
  Remove-Item $fetched
  Fail 'tệp tải về không đúng SHA-256, không có gì được cài' 'the fetched file has another SHA-256, nothing was installed'
}

try {
  & $fetched install
  if ($LASTEXITCODE -ne 0) { Fail 'không cài được dịch vụ, xem lý do ở trên' 'the service cannot be installed, the reason is above' }
} finally {
  Remove-Item $fetched
}
Say 'Đang ghi danh' 'Enrolling'
try {
  $env:TRAM_ENROLL_TOKEN = $Token
  & "$folder\tram-agent.exe" enroll --collector $collector
  if ($LASTEXITCODE -ne 0) { Fail 'ghi danh không thành công, xem lý do ở trên' 'enrolling failed, the reason is above' }
} finally {
  Remove-Item Env:TRAM_ENROLL_TOKEN
}
Restart-Service TramAgent
Say "Xong: tác tử đang chạy. Xem: & '$folder\tram-agent.exe' status" "Done: the agent runs. See: & '$folder\tram-agent.exe' status"
