# Texts of alerts and work orders. Each rule has a title, a detail, an action and the source of its threshold.
# Numbers come formatted: shares as percent, bytes with units, times as durations.

filesystem_nearly_full =
    .title = File system { $part } is nearly full
    .detail = { $used_share } of { $size_bytes } is used; { $free_bytes } is left.
    .action = Find what fills { $part } (old logs, backups, recycle bin), remove or move it, and plan a larger disk if it fills again. Programs that cannot write any more may lose data.
    .source = Netdata (disk_space_usage) and Linuxfabrik warn at 90% and 95% used; Zabbix's Linux template asks as well for fewer than 10 GB (critical: 5 GB) left, so that large disks raise no false alarm.

filesystem_inodes =
    .title = File system { $part } is running out of inodes
    .detail = { $used_share } of the inodes are used; { $free_inodes } are left. When none is left no new file can be made, though space may be free.
    .action = Look for folders with very many small files (mail queues, sessions, caches) and empty them; if that happens again, plan a file system with more inodes.
    .source = Netdata (disk_inode_usage): warning above 90% until below 80%, critical above 98%.

filesystem_read_only =
    .title = File system { $part } has become read-only
    .detail = { $part } was writable and no longer is. Linux does this by itself when it meets errors on the disk or in the file system.
    .action = Read the kernel log (dmesg) for disk errors and check the disk's SMART values. Make sure that a backup exists before anything else, then check the file system and replace the disk if it reports errors.
    .source = Linux kernel: file systems mounted with errors=remount-ro turn read-only on an error (ext4 documentation); any change from writable to read-only counts.

memory_low =
    .title = Little memory is left
    .detail = { $used_share } of the memory is used; { $available_bytes } is available without swapping.
    .action = Find the program that uses most memory and restart or limit it; if the load is normal, plan more memory.
    .source = Prometheus node-mixin (NodeMemoryHighUtilization): 90% for 15 minutes; Netdata (ram_available) warns below 10% available and clears at 15%.

swap_pressure =
    .title = Swap is nearly used up
    .detail = { $swap_used_share } of the swap and { $memory_used_share } of the memory are used. When both are full the system ends programs.
    .action = Find the program that uses most memory and restart or limit it; if the load is normal, plan more memory.
    .source = Netdata (used_swap): warning above 90% until below 80%, critical above 98%; counted only while memory is short too.

cpu_busy =
    .title = The processors are busy all the time
    .detail = On average { $mean_share } of the processor time was used over the hold time.
    .action = See which program keeps the processors busy. If it is stuck, restart it; if the work is wanted, spread it over the day or plan a faster machine.
    .source = Prometheus node-mixin (NodeCPUHighUsage) and Zabbix: 90%, for 15 and 5 minutes; Netdata (10min_cpu_usage) clears at 75%.

io_wait =
    .title = The processors wait for the disks
    .detail = On average { $mean_share } of the processor time was spent waiting for input and output over the hold time.
    .action = See which program reads or writes most (iotop), and check the disks' SMART values: a dying disk answers slowly before it fails.
    .source = Netdata (10min_cpu_iowait): warning above 40% until below 20%.

temperature =
    .title = { $part } is too hot
    .detail = { $temperature_celsius } was measured; the limit is { $limit_celsius }, critical is { $limit_critical_celsius }.
    .action = Clean fans, filters and heat sinks, check that all fans turn, and look at the room: air conditioning, blocked vents, direct sun. Renew the thermal paste of a processor that stays hot.
    .source = The maker's own limits where the part states them. Otherwise for disks 50 and 65 °C (Zabbix, SMART by Zabbix agent 2), for processors 90 and 100 °C (Linux coretemp documentation: maximum junction temperature 100 °C).

component_health =
    .title = { $kind ->
        [physical_disk] Disk
        [logical_disk] Disk array
        [disk_controller] Disk controller
        [fan] Fan
        [temperature] Temperature of
        [voltage] Voltage of
        [power_supply] Power supply
        [battery] Battery
        [memory] Memory module
        [network] Network interface
        [ups] UPS
        [cpu] Processor
        [service] Service
        [enclosure] Enclosure
       *[other] Part
    } { $part }: { $state ->
        [failed] failed
        [predicted_failure] will fail
        [degraded] degraded
        [needs_cleaning] needs cleaning
       *[other] not well
    }
    .detail = { $state ->
        [failed] It does not work any more.
        [predicted_failure] It says itself, or by its figures, that it will fail.
        [degraded] It works, but less well than it should.
        [needs_cleaning] It works, and wants cleaning.
       *[other] It is not well.
    }
    .action = { $kind ->
        [physical_disk] Make sure that a backup exists before anything else. Note the serial number, take a disk of the same kind and at least the same size, and replace it.
        [logical_disk] Find the disk that the array has lost, replace it, and see that the array is rebuilt. Until then one more fault may cost the data.
        [fan] Clean it, see whether it turns freely, and replace it if it does not.
        [power_supply] Check its cable and the mains, then replace it.
        [battery] Replace the battery.
        [ups] Check the mains and the load; replace the battery if it is asked for.
        [memory] Note the slot, replace the module, and test the memory (memtest86+).
        [network] Replace the network cable, then try another port; check speed and duplex at both ends.
        [service] Read its log (journalctl -u, then the name) and start it again.
       *[other] Look at the reasons and at the maker's documentation.
    }
    .source = The part's own verdict as its sensor reads it: OpenTelemetry hw.state. Limits and their sources are in the agent's documentation. Longer hold times for mains, rebuilding and links are Trạm's own choice (rules.toml says which); Zabbix's templates average sensors over 5 minutes.

component_missing =
    .title = { $kind ->
        [physical_disk] Disk
        [logical_disk] Disk array
        [disk_controller] Disk controller
        [power_supply] Power supply
        [battery] Battery
        [memory] Memory module
       *[other] Part
    } { $part } is gone
    .detail = It was there for long, and has been missing for { $gone_s }. What no longer answers at all has most often failed; nobody else may notice while an array still works.
    .action = { $kind ->
        [physical_disk] Make sure that a backup exists. See whether the disk sits firmly and its cables hold; if it does not come back, take a disk of the same kind and at least the same size, and replace it.
        [logical_disk] See whether the array's disks are there and whether it was stopped on purpose; do not write to its disks before.
        [power_supply] See whether it is plugged in, sits firmly and gets mains; replace it if it does not come back.
        [memory] Shut the host down, seat the module again, and replace it if it does not come back.
       *[other] See whether it sits firmly and its cables hold; replace it if it does not come back.
    } If it was taken out on purpose, nothing is left to do: the alert ends when another takes its place, or by itself after 30 days (window in rules.toml).
    .source = Trạm's own choice: a part with a serial number that was there for a day or more, has been gone for 10 minutes and has not been replaced. Parts on USB and removable ones do not count, nor those whose source cannot be read.

unexpected_reboot =
    .title = The host restarted without having been shut down
    .detail = It started { $started_ago_s } ago; the run before ended without a shutdown: power was lost, or the system crashed or was reset.
    .action = Ask on site whether power failed. If it did not, read the log of the run before (journalctl -b -1 -e) for the cause.
    .source = The host's own record: every run that ends without a shutdown counts.

reboots_too_often =
    .title = The host keeps restarting without being shut down
    .detail = { $reboots } restarts without a shutdown in the last { $window_s }.
    .action = Visit: check the mains, the UPS and its battery, the power supply and its cables, then the memory (memtest86+) and temperatures.
    .source = No published figure is known. Trạm's own choice: 3 in 7 days is more than single power cuts explain; set it in rules.toml to what your mains are like.

clock_off =
    .title = The clock is wrong
    .detail = The host's clock is { $offset_s } { $direction ->
        [behind] behind
       *[ahead] ahead of
    } the collector's.
    .action = Turn on time synchronisation (NTP) and check that it reaches its server. If the clock is wrong again after each time without power, replace the CMOS battery (usually CR2032).
    .source = RFC 6238: one-time passwords change every 30 seconds; RFC 4120: Kerberos (Windows domain) refuses sign-ins when clocks differ by more than 5 minutes.

network_errors =
    .title = Network interface { $part } has many transmission errors
    .detail = On average { $mean_share } of the packets were in error over the hold time, recently { $errors_per_second } per second.
    .action = Replace the network cable first, then try another port of the switch; check that both ends agree on speed and duplex. If errors stay, replace the network card.
    .source = Prometheus node-mixin (NodeNetworkReceiveErrs): more than 1% of packets for 1 hour; Netdata counts only 5 errors or more in 10 minutes.

reachability =
    .title = { $verdict ->
        [lan_down] No local network
        [gateway_down] The gateway does not answer
        [dns_broken] Names are not resolved
        [uplink_down] No internet beyond the gateway
        [captive] A sign-in page blocks the internet
        [degraded] The internet connection is poor
       *[other] The way to the internet is disturbed
    }
    .detail = { $verdict ->
        [lan_down] No interface of the host had a link and an address.
        [gateway_down] The link is there, but the gateway does not answer, nor does anything behind it.
        [dns_broken] Addresses on the internet answer, but the name server resolves no names.
        [uplink_down] The gateway answers, but nothing on the internet does.
        [captive] A web page (captive portal) answers in place of the internet.
        [degraded] The internet answers, with losses or slowly.
       *[other] The reachability ladder could not be climbed to the end.
    }
    .action = { $verdict ->
        [lan_down] Check the cable or the wireless connection, the switch, and the host's network settings.
        [gateway_down] Check the power and cables of the router on site, and restart it.
        [dns_broken] Check the name server in the host's network settings, and the name server itself.
        [uplink_down] Report the fault to the internet provider, with the time since when.
        [captive] Sign in on that page, or ask the provider to remove it from this connection.
        [degraded] Compare other hosts of the site: if all suffer, report it to the provider; if only this one, check its cable or wireless signal.
       *[other] Look at the rungs of the ladder on the page of this host.
    }
    .source = Trạm's reachability ladder: each rung from the host's own interface outwards; the lowest one that fails is named.

host_silent =
    .title = { $ended ->
        [shutdown] The host was shut down
        [agent] The agent on the host was stopped
       *[none] The host no longer reports
    }
    .detail = { $ended ->
        [shutdown] It said that it was shutting down, { $silent_s } ago, and has not come back. It should always be on.
        [agent] Its agent said that it was being stopped, { $silent_s } ago. The host may be running, but nobody watches it.
       *[none] Nothing has been heard of it for { $silent_s }, and it did not say that it was shutting down.
    }
    .action = { $ended ->
        [shutdown] Ask who shut it down and when it will be on again. If nobody did, check the power and the UPS.
        [agent] Start the agent again: systemctl start tram-agent
       *[none] See whether other hosts of the site report. If none does, check the site's power and internet; if only this one is silent, check its power, its network, and whether it has crashed.
    }
    .source = Two and a half send intervals: two reports in a row are missing and the third is overdue.

host_missing =
    .title = The host has been silent for days
    .detail = Nothing has been heard of it for { $silent_s }. It should always be on.
    .action = Visit the site, or ask there: is the host still in place, powered and connected? If it was taken out of service, note that here.
    .source = Trạm's own choice: 3 days cover a weekend and usual repairs of power and lines.

workstation_unseen =
    .title = This computer has not been seen for a long time
    .detail = It last reported { $silent_s } ago.
    .action = Ask whether it is still in use. If it was replaced, moved or stored, note that here; if it is in use, check that its agent runs.
    .source = Trạm's own choice: 14 days cover usual leave; computers that go off in the evening are never reported as down.

retired =
    .title = A rule that this release no longer has
    .detail = This alert was raised by an earlier or later release.
    .action = Nothing to do: it is resolved with the host's next report.
    .source = None.

resolved-gone = It was resolved because { $part } is no longer there.
resolved-disabled = It was resolved because its rule was switched off.

# Units of durations, from days to seconds.
unit-day = d
unit-hour = h
unit-minute = min
unit-second = s
# Stands for a figure that is not known.
figure-unknown = an unknown figure
# Stands for a part without a name.
part-unnamed = an unnamed part

# What an alert or work order says of the part that it is about.
part-reasons = Reasons: { $text }.
part-identity = The part: { $text }.
part-figures = Figures: { $text }.
part-model = model { $text }
part-serial = serial number { $text }
part-place = place { $text }
unit-hours = { $text } h
