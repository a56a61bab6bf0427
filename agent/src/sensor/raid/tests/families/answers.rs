//! Short answers in the form of each family of programs, with something wrong in each.

pub(super) const STORCLI_TEXT: &str = "\
CLI Version = 007.1705.0000.0000 Mar 31, 2021
Operating system = Linux 5.10.0
Controller = 1
Status = Success
Description = None

Basics :
======
Controller = 1
Model = AVAGO MegaRAID SAS 9361-8i
Serial Number = SK00000001

Status :
======
Controller Status = Needs Attention
Memory Correctable Errors = 0
Memory Uncorrectable Errors = 0
BBU Status = 0

Drive Groups = 1

TOPOLOGY :
========

-----------------------------------------------------------------------------
DG Arr Row EID:Slot DID Type  State BT       Size PDC  PI SED DS3  FSpace TR
-----------------------------------------------------------------------------
 0 -   -   -        -   RAID1 Dgrd  N  446.102 GB dflt N  N   dflt N      N
 0 0   -   -        -   RAID1 Dgrd  N  446.102 GB dflt N  N   dflt N      N
 0 0   0   252:0    8   DRIVE Onln  N  446.102 GB dflt N  N   dflt -      N
 0 0   1   -        -   DRIVE Msng  -  446.102 GB -    -  -   -    -      N
-----------------------------------------------------------------------------

Virtual Drives = 1

VD LIST :
=======

-------------------------------------------------------------
DG/VD TYPE  State Access Consist Cache Cac sCC       Size Name
-------------------------------------------------------------
0/0   RAID1 Dgrd  RW     Yes     RWBD  -   ON  446.102 GB my disk
-------------------------------------------------------------

PD LIST :
=======

--------------------------------------------------------------------------------
EID:Slt DID State DG       Size Intf Med SED PI SeSz Model               Sp Type
--------------------------------------------------------------------------------
252:0     8 Onln   0 446.102 GB SATA SSD N   N  512B INTEL SSDSC2KB480G8 U  -
252:2     9 UBad   F 446.102 GB SATA SSD N   N  512B -                   U  -
252:3    10 GHS    - 446.102 GB SATA SSD N   N  512B INTEL SSDSC2KB480G8 U  -
 :4      11 JBOD   -   3.637 TB SATA HDD N   N  512B ST4000NM0033-9ZM170 U  -
--------------------------------------------------------------------------------

Cachevault_Info :
===============

------------------------------------
Model  State   Temp Mode MfgDate
------------------------------------
CVPM02 Optimal 28C  -    2015/01/01
------------------------------------
";

pub(super) const STORCLI_JSON: &str = r#"{"Controllers":[{"Command Status":{"Controller":0,"Status":"Success","Description":"None"},
"Response Data":{"Drive /c0/e8/s1":[{"EID:Slt":"8:1","DID":1,"State":"Rbld","DG":0,"Size":"1.0 TB","Model":"X"}],
"Drive /c0/e8/s1 - Detailed Information":{"Drive /c0/e8/s1 State":{"Media Error Count":7,"Predictive Failure Count":2,
"Drive Temperature":" 41C (105.80 F)","S.M.A.R.T alert flagged by drive":"Yes"},
"Drive /c0/e8/s1 Device attributes":{"SN":"  WD-123 ","Model Number":"X"}},
"Cachevault_Info":[{"Property":"Type","Value":"CVPM05"},{"Property":"State","Value":"Dgd (Needs Attention)"}],
"Firmware_Status":[{"Property":"Replacement required","Value":"Yes"}],
"VD LIST":[{"DG/VD":"0/3","TYPE":"RAID5","State":"Pdgd","Size":"2 TB"},{"DG/VD":"1/4","TYPE":"RAID5","State":"Rec"}]}}]}"#;

pub(super) const STORCLI_OVERVIEW: &str = "\
Number of Controllers = 2

System Overview :
===============

------------------------------------------------------------------------------------
Ctl Model                   Ports PDs DGs DNOpt VDs VNOpt BBU  sPR DS  EHS ASOs Hlth
------------------------------------------------------------------------------------
  0 AVAGOMegaRAIDSAS9361-8i     8   8   1     1   1     1 Msng On  1&2 Y      3 NdAtn
  1 LSI3108MegaRAID             8   0   0     0   0     0 N/A  On  1&2 Y      3 Opt
------------------------------------------------------------------------------------
";

pub(super) const MEGACLI: &str = "\
Adapter #0

Versions
Product Name    : PERC H700 Integrated
Serial No       : 16A00A1

                Device Present
                ================
Virtual Drives    : 1
  Degraded        : 1
  Offline         : 0
Physical Devices  : 4
  Disks           : 3
  Critical Disks  : 0
  Failed Disks    : 1

Adapter 0 -- Virtual Drive Information:
Virtual Drive: 0 (Target Id: 0)
Name                :data
RAID Level          : Primary-5, Secondary-0, RAID Level Qualifier-3
Size                : 1.818 TB
State               : Partially Degraded
Number Of Drives    : 3
Span Depth          : 1
Default Cache Policy: WriteBack, ReadAhead, Direct, No Write Cache if Bad BBU
Current Cache Policy: WriteThrough, ReadAhead, Direct, No Write Cache if Bad BBU

Enclosure Device ID: 32
Slot Number: 0
Media Error Count: 3
Other Error Count: 1
Predictive Failure Count: 0
Firmware state: Online, Spun Up
Inquiry Data:      WD-WMAY01234567WDC WD1003FBYX-18Y7B0                   01.01V03
Foreign State: None
Drive Temperature :31C (87.80 F)

Enclosure Device ID: N/A
Slot Number: 1
Firmware state: Unconfigured(bad)
Inquiry Data: SEAGATE ST3600057SS     ES666SL0ABCD
Foreign State: Foreign

Enclosure Device ID: 32
Slot Number: 2
Firmware state: Rebuild

BBU status for Adapter: 0

BatteryType: BBU
Temperature: 31 C
Battery State     : Non Operational
  Charging Status              : Charging
  Temperature                  : OK
  Learn Cycle Active           : Yes
  Battery Replacement required : No

Exit Code: 0x00
";

pub(super) const SSACLI: &str = "\
Smart Array P440ar in Slot 0 (Embedded)
   Bus Interface: PCI
   Serial Number: PDNLH0BRH7V0AA
   Controller Status: OK
   Cache Status: Permanently Disabled
   Battery/Capacitor Status: Failed (Replace Batteries/Capacitors)
   Controller Temperature (C): 54

   Internal Drive Cage at Port 1I, Box 1, OK
      Power Supply Status: Not Redundant
      Drive Bays: 4

   Array: A
      Status: Failed Physical Drive
      Logical Drive: 1
         Size: 279.4 GB
         Fault Tolerance: 1
         Status: Interim Recovery Mode
         Unique Identifier: 600508B1001C000000000000000000AA

      physicaldrive 1I:1:1
         Status: Predictive Failure
         Drive Type: Data Drive
         Serial Number: S0M00001
         Model: HP      EG0300FCSPH
      physicaldrive 1I:1:2
         Status: Failed
         Last Failure Reason: Timeout
";

pub(super) const SSACLI_LISTS: &str = "\
Smart Array P410i in Slot 3

   array A (Failed)

      logicaldrive 1 (838.1 GB, RAID 6 (ADG), Recovering, 45% complete)
      logicaldrive 2 (838.1 GB, RAID 5, Ready for Rebuild)

      physicaldrive 1I:1:5 (port 1I:box 1:bay 5, SAS, 300 GB, Rebuilding)
      physicaldrive 1I:1:6 (port 1I:box 1:bay 6, SAS, 300 GB, OK, spare)
      physicaldrive 1I:1:7 (port 1I:box 1:bay 7, SAS, 300 GB, Bewitched)
";

pub(super) const ARCCONF: &str = "\
Controllers found: 1
----------------------------------------------------------------------
Controller information
----------------------------------------------------------------------
   Controller Status                        : Optimal
   Controller Model                         : Adaptec 5405
   Controller Serial Number                 : 8C1011AAAA0
   Temperature                              : 83 C/ 181 F (Abnormal)
   Defunct disk drive count                 : 1
   Logical devices/Failed/Degraded          : 1/0/1
   --------------------------------------------------------
   Controller Battery Information
   --------------------------------------------------------
   Status                                   : Charging
   Over temperature                         : No
   Capacity remaining                       : 51 percent
----------------------------------------------------------------------
Logical device information
----------------------------------------------------------------------
Logical device number 0
   Logical device name                      : data
   RAID level                               : 5
   Status of logical device                 : Degraded, Rebuilding
   Size                                     : 953334 MB
   Failed stripes                           : Yes
   --------------------------------------------------------
   Logical device segment information
   --------------------------------------------------------
   Segment 0                                : Present (0,0) AAA1
   Segment 1                                : Missing
----------------------------------------------------------------------
Physical Device information
----------------------------------------------------------------------
      Device #0
         Device is a Hard drive
         State                              : Online
         Reported Location                  : Enclosure 0, Slot 4(Connector 0)
         Model                              : ST3500320NS
         Serial number                      : 9QM00001
         S.M.A.R.T. warnings                : 2
      Device #1
         Device is a Hard drive
         State                              : Failed
         Reported Channel,Device(T:L)       : 0,1(1:0)
      Device #2
         Device is an Enclosure services device
         Enclosure ID                       : 0
         Status of Enclosure services device
            Fan 1 status                    : Failed
            Temperature status              : Normal
Command completed successfully.
";

pub(super) const IRCU: &str = "\
LSI Corporation SAS2 IR Configuration Utility.
Read configuration has been initiated for controller 1
Controller information
  Controller type                         : SAS2008
IR Volume information
IR volume 1
  Volume ID                               : 79
  Status of volume                        : Degraded (DGD)
  RAID level                              : RAID1
  Size (in MB)                            : 476416
  PHY[0] Enclosure#/Slot#                 : 1:4
  PHY[1] Enclosure#/Slot#                 : 0:0
Physical device information
Device is a Hard disk
  Enclosure #                             : 1
  Slot #                                  : 4
  State                                   : Optimal (OPT)
  Model Number                            : ST9500620NS
  Serial No                               : 9XF00001
Device is a Hard disk
  Enclosure #                             : 0
  Slot #                                  : 0
  State                                   : Missing (MIS)
Device is a Enclosure services device
  Enclosure #                             : 1
  Slot #                                  : 10
  State                                   : Standby (SBY)
SAS2IRCU: Command DISPLAY Completed Successfully.
";

pub(super) const TW_CLI: &str = "\
Ctl   Model        (V)Ports  Drives   Units   NotOpt  RRate   VRate  BBU
------------------------------------------------------------------------
c6    9650SE-4LPML 4         3        2       1       1       1      WeakBat

Unit  UnitType  Status         %RCmpl  %V/I/M  Stripe  Size(GB)  Cache  AVrfy
------------------------------------------------------------------------------
u0    RAID-5    REBUILDING     12%     -       64K     1396.93   ON     OFF
u1    RAID-1    INOPERABLE     -       -       -       465.651   OFF    OFF

VPort Status         Unit Size      Type  Phy Encl-Slot    Model
------------------------------------------------------------------------------
p0    OK             u0   465.76 GB SATA  0   -            ST3500320NS
p1    ECC-ERROR      u0   465.76 GB SATA  1   -            ST3500320NS
p2    SMART-FAILURE  u0   465.76 GB SATA  2   -            WDC WD5000AAKS
p3    NOT-PRESENT    -    -         -     -   -            -
";

pub(super) const ARECA: &str = "\
 #  Name             Disks TotalCap  FreeCap DiskChannels       State
===============================================================================
 1  Raid Set # 00        3 3000.0GB    0.0GB 123                Degraded
===============================================================================
  # Enc# Slot#   ModelName                        Capacity  Usage
===============================================================================
  1  01  Slot#1  N.A.                                0.0GB  N.A.
  2  02  SLOT 01 ST31500341AS                     1500.3GB  Raid Set # 00
  3  02  SLOT 02 ST31500341AS                     1500.3GB  Failed
===============================================================================
GuiErrMsg<0x00>: Success.
";

pub(super) const CCISS: &str = "\
/dev/cciss/c0d0: (Smart Array P400) RAID 5 Volume 0 status: Using interim recovery mode. At least one spare drive has failed.
/dev/cciss/c0d0: (Smart Array P400) Enclosure MSA70 (S/N: SGA1) on Bus 2, Physical Port 1E status: Fan problem.
  Physical drives: 1
         connector 1I box 1 bay 1                 HP      DG072BB975                           3NP3BQ2700009910VW93     HPDC OK
";

pub(super) const MPT: &str = "\
ioc0 vol_id 0 type IM, 2 phy, 135 GB, state DEGRADED, flags ENABLED RESYNC_IN_PROGRESS
ioc0 phy 1 scsi_id 3 IBM-ESXS MBD2147RC        SB1A, 136 GB, state ONLINE, flags OUT_OF_SYNC
ioc0 phy 0 scsi_id 2 IBM-ESXS MBD2147RC        SB1A, 136 GB, state MISSING, flags NONE
";

pub(super) const MVCLI: &str = "\
SG driver version 3.5.36.
Virtual Disk Information
-------------------------
id:                  0
name:                VD0
status:              degraded
RAID mode:           RAID1
BGA status:          rebuilding 7%
Block ids:           0 4
";

pub(super) const DMSETUP: &str = "\
vg-swap: 0 4194304 linear 8:1 2048
vg-root: 0 20971520 raid raid1 2 AD 20971520/20971520 idle 0
vg-data: 0 20971520 raid raid5_ls 3 AAa 1024/4096 recover 0
vg-logs: 0 2097152 mirror 2 252:14 252:15 2048/2048 1 AF 3 disk 252:13 A
";

pub(super) const DMRAID: &str = "\
*** Group superset isw_abc
--> Active Subset
name   : isw_abc_Volume0
type   : mirror
status : nosync
subsets: 0
devs   : 2
spares : 0
";

pub(super) const LSRAID: &str = "\
[dev   9,   2] /dev/md2         FB49011A.1964BBB7.F3E4906F.AEFE6E08 online
[dev   3,   3] /dev/hda3        FB49011A.1964BBB7.F3E4906F.AEFE6E08 good
[dev  22,   3] /dev/hdc3        FB49011A.1964BBB7.F3E4906F.AEFE6E08 failed
";

pub(super) const MDADM: &str = "\
/dev/md0:
           Version : 1.2
        Raid Level : raid5
        Array Size : 1953381440 (1862.89 GiB 2000.26 GB)
      Raid Devices : 3
             State : clean, degraded, recovering
    Active Devices : 2
    Failed Devices : 1
    Rebuild Status : 28% complete
              UUID : 7615b98d:f2ba4d99:bee86202:d8e130b9
";

pub(super) const ZPOOL: &str = "\
  pool: tank
 state: DEGRADED
  scan: resilver in progress since Sun Jan  1 00:00:00 2023
        1.2T scanned at 1G/s, 45.5% done, 00:10:00 to go
config:

        NAME        STATE     READ WRITE CKSUM
        tank        DEGRADED     0     0     0
          mirror-0  DEGRADED     0     0     0
            sda     ONLINE       0     0     3
            sdb     UNAVAIL      0     0     0  cannot open

errors: No known data errors
";
