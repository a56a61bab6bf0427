//! Which programs are asked, and what. Every question only reads; the lists of arguments are fixed, but for the numbers
//! of controllers that the program itself has told.

use crate::sensor::raid::parts::Parts;
use crate::sensor::raid::{
    arcconf, areca, cciss, dm, ircu, megacli, mpt, mvcli, ssacli, storcli, tw_cli, zpool,
};

/// A program and what it is asked.
pub(super) struct Tool {
    /// As in [`crate::sensor::program::PROGRAMS`].
    pub(super) name: &'static str,
    /// Whether hosts without any RAID have it as well.
    pub(super) is_common: bool,
    /// Number of the first controller.
    pub(super) first: u32,
    /// Numbers of the controllers that a first answer tells of.
    pub(super) controllers: fn(&str) -> Vec<u32>,
    /// Lists of questions, of which the first that finds something counts. `{}` stands for each controller in turn.
    pub(super) questions: &'static [&'static [&'static [&'static str]]],
}

/// A way to read an answer: none where it is not of this family, the reason where the program says that it failed.
pub(super) type Family = fn(&str, u32, &mut Parts) -> Option<Result<(), String>>;

/// All families, those with the plainest marks first.
pub(super) const FAMILIES: &[Family] = &[
    |answer, _, parts| storcli::parse(answer, parts),
    ircu::parse,
    arcconf::parse,
    |answer, _, parts| cciss::parse(answer, parts),
    |answer, _, parts| mvcli::parse(answer, parts),
    |answer, _, parts| megacli::parse(answer, parts),
    |answer, _, parts| ssacli::parse(answer, parts),
    |answer, _, parts| mpt::parse(answer, parts),
    |answer, _, parts| areca::parse(answer, parts),
    |answer, _, parts| dm::parse_lsraid(answer, parts),
    |answer, _, parts| dm::parse_mdadm(answer, parts),
    |answer, _, parts| dm::parse_dmraid(answer, parts),
    |answer, _, parts| zpool::parse(answer, parts),
    tw_cli::parse,
    |answer, _, parts| dm::parse_dmsetup(answer, parts),
];

/// `nolog`: StorCLI, MegaCli and ARCCONF would leave a log file where they are run.
const STORCLI: &[&[&[&str]]] = &[&[
    &["/call", "show", "all", "J", "nolog"],
    &["/call/vall", "show", "all", "J", "nolog"],
    &["/call/eall/sall", "show", "all", "J", "nolog"],
    &["/call/sall", "show", "all", "J", "nolog"],
    &["/call/eall/sall", "show", "rebuild", "J", "nolog"],
    &["/call/cv", "show", "all", "J", "nolog"],
    &["/call/bbu", "show", "all", "J", "nolog"],
]];

/// Every program that is asked, in this order.
pub(super) const TOOLS: &[Tool] = &[
    Tool { name: "storcli", questions: STORCLI, ..ONE_ANSWER },
    Tool { name: "perccli", questions: STORCLI, ..ONE_ANSWER },
    Tool {
        name: "megacli",
        questions: &[&[
            &["-AdpAllInfo", "-aALL", "-NoLog"],
            &["-LDInfo", "-Lall", "-aALL", "-NoLog"],
            &["-PDList", "-aALL", "-NoLog"],
            &["-AdpBbuCmd", "-aALL", "-NoLog"],
        ]],
        ..ONE_ANSWER
    },
    Tool {
        name: "ssacli",
        questions: &[&[&["ctrl", "all", "show", "config", "detail"], &["ctrl", "all", "show", "status"]]],
        ..ONE_ANSWER
    },
    Tool {
        name: "arcconf",
        first: 1,
        controllers: arcconf::controllers,
        questions: &[
            &[
                &["getversion", "nologs"],
                &["getconfig", "{}", "al", "nologs"],
                &["getstatus", "{}", "nologs"],
            ],
            &[&["getversion"], &["getconfig", "{}", "al"], &["getstatus", "{}"]],
        ],
        ..ONE_ANSWER
    },
    Tool { name: "sas2ircu", controllers: ircu::controllers, questions: IRCU, ..ONE_ANSWER },
    Tool { name: "sas3ircu", controllers: ircu::controllers, questions: IRCU, ..ONE_ANSWER },
    Tool {
        name: "tw_cli",
        controllers: tw_cli::controllers,
        questions: &[
            &[&["show"], &["/c{}", "show", "all"], &["/c{}/e0", "show", "all"], &["/c{}/e1", "show", "all"]],
            &[&["info"], &["info", "c{}", "unitstatus"], &["info", "c{}", "drivestatus"]],
        ],
        ..ONE_ANSWER
    },
    Tool {
        name: "areca",
        questions: &[&[&["rsf", "info"], &["vsf", "info"], &["disk", "info"]]],
        ..ONE_ANSWER
    },
    Tool {
        name: "cciss_vol_status",
        questions: &[
            &[&["-V", "/dev/cciss/c0d0"], &["-V", "/dev/sg0"]],
            &[&["/dev/cciss/c0d0"], &["/dev/sg0"]],
        ],
        ..ONE_ANSWER
    },
    Tool { name: "mpt_status", questions: &[&[&["-n"], &[]]], ..ONE_ANSWER },
    Tool {
        name: "mvcli",
        questions: &[&[&["info", "-o", "vd"], &["info", "-o", "pd"], &["info", "-o", "blk"]]],
        ..ONE_ANSWER
    },
    Tool { name: "dmraid", is_common: true, questions: &[&[&["-s"], &["-r"]]], ..ONE_ANSWER },
    Tool { name: "zpool", is_common: true, questions: &[&[&["status", "-P"]]], ..ONE_ANSWER },
    Tool { name: "dmsetup", is_common: true, questions: &[&[&["status"]]], ..ONE_ANSWER },
];

const IRCU: &[&[&[&str]]] = &[&[&["LIST"], &["{}", "DISPLAY"], &["{}", "STATUS"]]];

const ONE_ANSWER: Tool =
    Tool { name: "", is_common: false, first: 0, controllers: |_| vec![], questions: &[] };
