//! The simulated province at a real collector: its tree, its hosts, a machine that fails and one that recovers.

use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tram_collector::enrollment_token::{self, Wanted};
use tram_collector::model::agency::Scope;
use tram_collector::model::alert::AlertState;
use tram_tests::fleet::plan::{AgencyKind, Plan};
use tram_tests::fleet::progress::Progress;
use tram_tests::fleet::run::{Settings, run};
use tram_tests::fleet::tokens::Tokens;
use tram_tests::world::World;

const RULES: &str = "[filesystem_nearly_full]\nhold = \"1s\"\nclear_hold = \"1s\"\n";

/// One token for each site, as an operator would make them from `fleet plan --lines`.
async fn tokens(world: &World, plan: &Plan) -> Tokens {
    let running = world.running().unwrap();
    let ca_sha256: [u8; 32] = Sha256::digest(running.pki.ca_der()).into();
    let now_ms = world.now_ms();
    let mut lines = String::new();
    for line in plan.lines().lines() {
        let [path, site, uses] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let agency: Vec<String> = path.split('/').map(str::to_owned).collect();
        let (site_name, uses) = (site.to_owned(), uses.parse().unwrap());
        let secret: [u8; 20] = Sha256::digest(line)[..20].try_into().unwrap();
        let write = running.commit.write(move |transaction| {
            let expires_ms = now_ms + 3_600_000;
            let wanted = Wanted { agency: &agency, site: &site_name, uses, expires_ms, created_by: "test" };
            let made = enrollment_token::make(transaction, Scope::All, &wanted, secret, ca_sha256, now_ms)?;
            Ok((made.token, vec![]))
        });
        lines.push_str(&format!("{path}\t{site}\t{}\n", write.await.unwrap()));
    }
    Tokens::parse(&lines).unwrap()
}

fn read<T, R: FromIterator<T>>(
    world: &World,
    sql: &str,
    row: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> R {
    let database = rusqlite::Connection::open(world.data_dir().join("state.db")).unwrap();
    let mut statement = database.prepare(sql).unwrap();
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// Host to whether its order's signal has cleared.
fn orders(world: &World) -> BTreeMap<String, bool> {
    let sql = "SELECT asset.name, ready_to_verify FROM work_order JOIN asset ON asset.id = work_order.asset";
    read(world, sql, |row| Ok((row.get(0)?, row.get(1)?)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_machine_is_flagged_and_a_recovered_one_is_ready_to_verify() {
    let world = World::with_rules(RULES).await.unwrap();
    let plan = Plan::new(1, 12);
    let state = tempfile::tempdir().unwrap();
    let (failing, recovered) = ("ttdl-sv01", "vpub-sv01");
    let failures = [format!("disk-filling={failing}"), format!("recovers={recovered}@0-3")];
    let settings = Settings {
        plan: plan.clone(),
        failures: failures.iter().map(|text| text.parse().unwrap()).collect(),
        collector: format!("https://127.0.0.1:{}", world.address().unwrap().port()),
        tokens: tokens(&world, &plan).await,
        state: state.path().to_owned(),
        sample_interval: Duration::from_millis(500),
        send_interval: Duration::from_secs(1),
        spool: tram_agent::spool::Bounds { bytes_max: 1 << 20, age_max: Duration::from_secs(30 * 86_400) },
        hour: Some(10.0),
    };
    let expected = BTreeMap::from([(failing.to_owned(), false), (recovered.to_owned(), true)]);
    let seen = async {
        let both = async {
            while orders(&world) != expected {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let both = tokio::time::timeout(Duration::from_secs(60), both).await;
        assert!(both.is_ok(), "{:?}", orders(&world));
    };
    let progress = Arc::new(Progress::default());
    run(settings, progress.clone(), seen).await.unwrap();
    assert_eq!(progress.totals().enrolled, 12);
    check_state(&world, failing);
    check_tree(&world, &plan);
}

/// Only the failing machine has an alert now.
fn check_state(world: &World, failing: &str) {
    for host in world.running().unwrap().memory.latest.all() {
        let name = host.catalogue.as_ref().unwrap().resource.get("host.name").unwrap().clone();
        let firing: Vec<_> = host.alerts.iter().filter(|alert| alert.state == AlertState::Firing).collect();
        match name == failing {
            true => assert_eq!((firing.len(), firing[0].rule.0), (1, "filesystem_nearly_full")),
            false => assert!(firing.is_empty(), "{name}: {firing:?}"),
        }
    }
}

/// The collector's tree is the plan's, as far as it has hosts.
fn check_tree(world: &World, plan: &Plan) {
    let kinds: BTreeMap<String, String> =
        read(world, "SELECT name, kind FROM agency", |row| Ok((row.get(0)?, row.get(1)?)));
    for agency in
        plan.agencies.iter().filter(|agency| plan.hosts.iter().any(|host| host.agency == agency.name))
    {
        let kind = match agency.kind {
            AgencyKind::Province => "province",
            AgencyKind::Department => "department",
            AgencyKind::District => "district",
            AgencyKind::Commune => "commune",
        };
        assert_eq!(kinds.get(&agency.name).map(String::as_str), Some(kind), "{}", agency.name);
    }
    let sql = "SELECT asset.name, asset.kind, site.name FROM asset JOIN site ON site.id = asset.site";
    let mut placed: Vec<(String, String, String)> =
        read(world, sql, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let mut planned: Vec<(String, String, String)> = plan
        .hosts
        .iter()
        .map(|host| (host.name.clone(), host.kind.as_str().to_owned(), host.site.clone()))
        .collect();
    placed.sort();
    planned.sort();
    assert_eq!(placed, planned);
}
