# Texts of the pages, in English. The same keys stand in vi/ui.ftl; a test compares them.

## Frame
brand-line = Health monitor
nav = Pages
nav-overview = Overview
nav-assets = Assets
nav-alerts = Alerts
nav-maintenance = Work orders
language = Language
skip-to-content = Skip to content
sign-out = Sign out
close = Close
cancel = Cancel
save = Save
saved = Saved
yes = Yes
no = No
none = none
try-again = Try again
loading = Loading…
nothing-here = Nothing here yet.
nothing-matches = Nothing matches these filters.
show-more = Show more
shown = { $count ->
    [one] { $text } entry
   *[other] { $text } entries
}
shown-of-more = First { $text } entries
connection-lost = No connection to the collector since { $since }. What is shown below is from before.
nothing-at-address = There is no page at this address
page-failed = This page could not be opened

## Signing in
sign-in = Sign in
signing-in = Signing in…
user-name = User name
password = Password
sign-in-refused = User name or password is wrong.
session-ended = Your session has ended. Please sign in again.
about = Watches servers, workstations and links, and tells which machine needs care before it fails.
role-viewer = Viewer
role-operator = Operator
role-admin = Administrator

## Problems
problem-unreachable = The collector cannot be reached.
problem-signed-out = Your session has ended.
problem-forbidden = Your account may not do this.
problem-not-found = Not found, or outside what you may see.
problem-changed-meanwhile = Somebody else has just changed this. The newer version is loaded: please look again, then save.
problem-too-often = Too many requests. Please wait a moment and try again.
problem-other = The collector answered with an error ({ $status }): { $detail }

## Overview
needs-attention = Needs attention first
all-alerts = All alerts
work-first = Work to do
all-work-orders = All work orders
by-place = By place
by-place-why = one trip, several things done
count-alerts = { $count ->
    [one] { $count } alert
   *[other] { $count } alerts
}
count-work-orders = { $count ->
    [one] { $count } work order
   *[other] { $count } work orders
}
ready-to-verify = Ready to verify

## Assets
asset = Asset
agency = Agency
place = Place
state = State
kind = Kind
search = Search
search-assets = Name of a machine…
any-state = Any state
any-kind = Any kind
any-agency = Any agency
any-severity = Any severity
clear-filters = Clear filters
no-assets = No assets yet. Create an enrolment token and run the install command on the machine to watch.
last-seen = Last seen
cpu = CPU
memory = Memory
disk = Disk
asset-state-up = Up
asset-state-silent = Silent
asset-state-off = Off
asset-state-unknown = Unknown
kind-server = Server
kind-workstation = Workstation
kind-laptop = Laptop
kind-printer = Printer
kind-scanner = Scanner
kind-access-point = Access point
kind-switch = Switch
kind-router = Router
kind-security-appliance = Security appliance
kind-storage = Storage
kind-ups = UPS

## One asset
current-values = Current values
no-values = No values yet.
none-measured = none measured
processors = { $count ->
    [one] { $count } processor
   *[other] { $count } processors
}
waiting-for-disk = Waiting for disk
load = Load (1 · 5 · 15 min):
used-of = { $used } of { $limit }
free-of = { $free } free of { $limit }
swap = Swap:
file-systems = File systems
read-only = read-only
inodes = inodes
disks = Disk activity
disk-rates = read { $read } · write { $write } · busy { $busy }
network = Network
network-rates = receive { $receive } · send { $transmit }
errors-per-second = { $rate } errors/s
link-up = link up
link-down = link down
temperatures = Temperatures
limit = limit { $limit }
facts = Facts
system = System
kernel = Kernel
uptime = Uptime
booted = Booted
since = Since
clock-offset = Clock
clock-right = right
clock-ahead = { $by } ahead
clock-behind = { $by } behind
always-on = Always on
agent = Agent
no-agent = no agent
agent-state-active = active
agent-state-revoked = revoked
agent-state-quarantined = quarantined
agent-state-clone = cloned
alert-history = Alert history
no-alerts-here = This asset has no alerts.

## Reachability ladder
ladder = Internet reachability ladder
ladder-host = This machine
ladder-rtt = Round trip
ladder-loss = { $share } lost
no-ladder = This machine has not reported a ladder yet.
verdict-ok = Reachable
verdict-lan-down = Local network down
verdict-gateway-down = Gateway does not answer
verdict-dns-broken = Name resolution broken
verdict-uplink-down = Internet uplink down
verdict-captive = Behind a captive portal
verdict-degraded = Link degraded
verdict-collector-unreachable = Collector unreachable
verdict-unknown = Reachability unknown
rung-interface = Interface
rung-gateway = Gateway
rung-resolver = Resolver
rung-name = Name
rung-internet = Internet
rung-web = Web check
rung-collector = Collector
method-kernel = kernel
method-icmp = ICMP
method-arp = ARP
method-tcp = TCP
method-dns = DNS
method-http = HTTP
outcome-ok = Answers
outcome-failed = No answer
outcome-lossy = Lossy
outcome-captive = Redirected
outcome-skipped = Not tried

## Charts
history = History
history-span = Time span
minutes = { $count } min
hours = { $count } h
days = { $count } days
no-samples = No samples in this span
chart-extremes = low { $low } · high { $high }
cpu-busy = Busy
memory-used = Used
memory-available = Available
round-trips = Round trips
direction-read = read
direction-write = write
direction-receive = receive
direction-transmit = send

## Components
components = Components
component = Component
model = Model
serial = Serial
size = Size
no-components = This machine has not reported any components yet.
component-physical-disk = disk
component-logical-disk = logical disk
component-disk-controller = disk controller
component-voltage = voltage
component-fan = fan
component-temperature = temperature sensor
component-power-supply = power supply
component-cpu = processor
component-gpu = graphics processor
component-battery = battery
component-memory = memory module
component-network = network adapter
component-ups = UPS
component-supply = supply
component-radio = radio
component-enclosure = machine
component-firmware = firmware
component-operating-system = operating system
component-service = service
component-state-ok = OK
component-state-degraded = Degraded
component-state-failed = Failed
component-state-predicted-failure = Failure predicted
component-state-needs-cleaning = Needs cleaning
component-state-unknown = Unknown
component-figures = Figures
part-changes = Changes of parts
no-part-changes = No part has changed since this machine was first seen.
part-changes-more = The newest { $shown } are shown.
part-change-appeared = New
part-change-vanished = Gone
part-change-replaced = Replaced
part-change-changed = Changed

## Alerts
severity = Severity
severity-critical = Critical
severity-warning = Warning
severity-info = Information
alert-state-pending = Pending
alert-state-firing = Firing
alert-state-resolved = Resolved
no-alerts = No alerts are firing.
only-one-asset = Only of asset
show-all-assets = Show all assets
expected-action = Expected action
threshold-source = Source of the threshold
acknowledge = Acknowledge
acknowledged = Acknowledged
acknowledged-by = acknowledged by { $name }
acknowledge-means = Tells everyone that somebody takes care of this. The alert stays open until its signal clears.
acknowledge-note = Who does what, and when…
note = Note
open-work-order = Work order

## Work orders
work = Work
opened = Opened
due = Due
due-on = due { $date }
overdue = overdue
overdue-since = overdue since { $date }
assignee = Assignee
planned-for = Planned for
signal = Signal
signal-any = All work orders
signal-present = Signal still present
only-one-site = Only at site
show-all-sites = Show all sites
no-work-orders = No work orders.
order-number = No. { $id }
order-title = Work order { $id }
count-evidence = { $count ->
    [one] { $count } piece of evidence
   *[other] { $count } pieces of evidence
}
evidence = Evidence
no-evidence = No evidence yet.
change-order = Change the work order
done-means = It closes once its signal clears; if the signal stays, it reopens by itself.
ready-means = The signal has cleared. Check on site or from afar, then move the work order to verified.
order-state-open = Open
order-state-planned = Planned
order-state-in-progress = In progress
order-state-done = Done
order-state-verified = Verified
order-state-reopened = Reopened
