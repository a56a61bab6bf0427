# Names of the kinds and figures of parts, in English. The same keys stand in vi/parts.ftl; a test compares them, and the
# agent's tests ask for what is missing here.
## Kinds of parts
kind-physical-disk = disk
kind-logical-disk = disk array
kind-disk-controller = disk controller
kind-fan = fan
kind-temperature = temperature
kind-voltage = voltage
kind-power-supply = power supply
kind-battery = battery
kind-memory = memory module
kind-network = network interface
kind-ups = UPS
kind-cpu = processor
kind-gpu = graphics processor
kind-enclosure = machine
kind-firmware = firmware
kind-operating-system = operating system
kind-service = service
kind-supply = supply
kind-radio = radio

## Figures of disks
figure-size-bytes = Size
figure-sector-size-bytes = Sector size
figure-rotational = Turning
figure-removable = Removable
figure-external = Carried away
figure-rotation-rpm = Rotation (rpm)
figure-power-on-hours = Powered on
figure-power-cycles = Power cycles
figure-temperature-celsius = Temperature
figure-temperature-limit-celsius = Temperature limit
figure-manufactured-year = Year made
figure-reallocated-sectors = Reallocated sectors
figure-reallocation-events = Reallocations
figure-pending-sectors = Pending sectors
figure-offline-uncorrectable-sectors = Uncorrectable sectors (offline)
figure-uncorrected-errors = Uncorrected errors
figure-corrected-errors = Corrected errors
figure-end-to-end-errors = End-to-end errors
figure-command-timeouts = Command timeouts
figure-aborted-commands = Aborted commands
figure-spin-retries = Spin retries
figure-interface-crc-errors = Interface CRC errors
figure-read-errors = Read errors
figure-write-errors = Write errors
figure-checksum-errors = Checksum errors
figure-seek-errors = Seek errors
figure-program-failures = Program failures
figure-erase-failures = Erase failures
figure-wear-used-percent = Rated life used
figure-spare-percent = Spare left
figure-spare-min-percent = Least spare
figure-endurance-left-ratio = Endurance left
figure-written-bytes = Written
figure-unsafe-shutdowns = Unsafe shutdowns
figure-error-log-entries = Error log entries
figure-self-tests-failed = Failed self-tests
figure-critical-warning = Critical warning bits
figure-media-errors = Media errors
figure-other-errors = Other errors
figure-predictive-failures = Predictive failures

## Figures of arrays and controllers
figure-members = Members
figure-members-active = Active members
figure-members-failed = Failed members
figure-members-spare = Spare members
figure-members-count = Members
figure-mismatch-sectors = Mismatched sectors
figure-rebuild-progress-ratio = Rebuilt
figure-smart-warnings = SMART warnings
figure-drive-group = Drive group
figure-slots = Slots
figure-disks = Disks
figure-memory-bytes = Memory
figure-memory-correctable-errors = Correctable memory errors
figure-memory-uncorrectable-errors = Uncorrectable memory errors

## Figures of batteries and power
figure-charge-ratio = Charge
figure-charge-cycles = Charge cycles
figure-health-share = Capacity left
figure-health-ratio = Capacity left
figure-capacity-hours = Capacity (hours)
figure-capacity-watts = Rated power (W)
figure-battery-low-ratio = Low charge limit
figure-battery-made-unix-seconds = Battery made
figure-battery-installed-unix-seconds = Battery installed
figure-battery-nominal-volts = Battery voltage (V)
figure-nominal-volt-amperes = Rated power (VA)
figure-nominal-watts = Rated power (W)
figure-battery-capacity-ampere-hours = Battery capacity (Ah)

## Figures of other parts
figure-logical-count = Logical processors
figure-cores-count = Cores
figure-threads-count = Threads
figure-processors-count = Processors
figure-speed-max-hertz = Highest speed (Hz)
figure-speed-best-bits-per-second = Best speed (bit/s)
figure-virtual = Virtual machine
figure-capacity-bytes = Capacity
figure-speed-transfers-per-second = Transfers per second
figure-speed-bits-per-second = Speed (bit/s)
figure-mtu-bytes = Largest packet
figure-released-unix-seconds = Released
figure-made-unix-seconds = Made
figure-event-log-entries = Event log entries
figure-event-log-critical-entries = Critical events
figure-event-log-corrected-memory-errors = Corrected memory errors in the log
figure-event-log-newest-unix-seconds = Newest event
