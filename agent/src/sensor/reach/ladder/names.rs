//! The rungs that hang on names: the name servers, a name, and the web pages behind it.

use super::Climb;
use crate::sensor::reach::dns::{self, Reply};
use crate::sensor::reach::http::{Page, WebTarget};
use crate::sensor::reach::stats::Tally;
use crate::sensor::reach::target::permit;
use crate::sensor::reach::{NO_TARGET, RungResult};
use futures_util::future::join_all;
use std::net::IpAddr;
use tram_proto::limits::TARGETS_MAX;
use tram_proto::reach::{Method, Outcome, Rung};

/// Queries that one name server is sent at most: UDP loses packets, and one loss is no dead server.
const QUERIES_MAX: u32 = 2;

/// What a name came to: its addresses, or why there are none.
type Resolved = Result<Vec<IpAddr>, String>;

/// The rungs that hang on names.
pub(super) struct Named {
    /// Every name server, and the name.
    pub(super) names: Vec<RungResult>,
    /// Every web page.
    pub(super) web: Vec<RungResult>,
}

impl Climb<'_> {
    /// The name servers, the name and the web pages, each after the one that it needs.
    pub(super) async fn names_and_web(&self) -> Named {
        let targets = self.web_targets();
        let Some(name) = self.name_to_ask() else {
            let skipped = |rung, target| dns_rung(rung, target, Outcome::Skipped, "nothing needs a name");
            let names = vec![skipped(Rung::Resolver, NO_TARGET), skipped(Rung::Name, &self.config.name)];
            return Named { names, web: Vec::new() };
        };
        let servers = match dns::servers(&self.config.resolv_conf) {
            Ok(servers) => servers,
            Err(reason) => {
                let failed = |rung, target| dns_rung(rung, target, Outcome::Failed, &reason);
                let names = vec![failed(Rung::Resolver, NO_TARGET), failed(Rung::Name, name)];
                return Named { names, web: self.pages(&targets, &Err(reason)).await };
            }
        };
        let (mut names, settled) = self.resolve(&servers, name).await;
        names.push(name_rung(name, &names, &settled));
        Named { web: self.pages(&targets, &settled).await, names }
    }

    /// The name that shows whether names are resolved: the configured one, or in a closed network the collector's.
    fn name_to_ask(&self) -> Option<&str> {
        if self.wants_internet() { Some(&self.config.name) } else { self.collector_name() }
    }

    /// Asks every server for a name: a resolver rung for each, and what the replies come to.
    async fn resolve(&self, servers: &[IpAddr], name: &str) -> (Vec<RungResult>, Resolved) {
        let asked = join_all(servers.iter().map(|server| self.ask_server(*server, name))).await;
        let (rungs, replies): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        (rungs, dns::settle(&replies))
    }

    async fn ask_server(&self, server: IpAddr, name: &str) -> (RungResult, Option<Reply>) {
        if !dns::is_askable(server) {
            let reason = "a link-local name server cannot be asked";
            let skipped = RungResult::unsent(
                Rung::Resolver,
                Method::Dns,
                &server.to_string(),
                Outcome::Skipped,
                reason,
            );
            return (skipped, None);
        }
        let mut tally = Tally::default();
        let mut reply = None;
        while tally.sent < QUERIES_MAX && reply.is_none() {
            let asked = dns::ask(server, name, self.host.is_v6_only(), self.patience()).await;
            tally.count(asked.map(|(round_trip, said)| {
                reply = Some(said);
                round_trip
            }));
        }
        let mut result = self.probed(Rung::Resolver, Method::Dns, server.to_string(), Some(server), &tally);
        if reply.is_some() {
            // Answering at the second query is answering: one lost datagram says little.
            result.outcome = Outcome::Ok;
        }
        (result, reply)
    }

    fn web_targets(&self) -> Vec<(&str, Result<WebTarget, String>)> {
        let within = TARGETS_MAX.saturating_sub(self.config.internet_targets.len());
        let mut targets = Vec::new();
        for (number, text) in self.config.web_targets.iter().enumerate() {
            let too_many = || Err("more targets than the limit of 32".to_owned());
            targets.push((text.as_str(), if number < within { WebTarget::parse(text) } else { too_many() }));
        }
        targets
    }

    /// Asks the pages in turn until one is as expected: a second opinion, and no more traffic than needed.
    async fn pages(
        &self,
        targets: &[(&str, Result<WebTarget, String>)],
        settled: &Resolved,
    ) -> Vec<RungResult> {
        let mut results: Vec<RungResult> = Vec::new();
        for (text, target) in targets {
            let skipped =
                |reason: &str| RungResult::unsent(Rung::Web, Method::Http, text, Outcome::Skipped, reason);
            if results.iter().any(RungResult::answered) {
                results.push(skipped("not needed: another page answered"));
                continue;
            }
            results.push(match target {
                Ok(target) => self.web_target(text, target, settled).await,
                Err(reason) => skipped(reason),
            });
        }
        results
    }

    async fn web_target(&self, text: &str, target: &WebTarget, settled: &Resolved) -> RungResult {
        let skipped =
            |reason: &str| RungResult::unsent(Rung::Web, Method::Http, text, Outcome::Skipped, reason);
        let resolved = match (target.address(), target.name()) {
            (Some(address), _) => Ok(vec![address]),
            (None, Some(name)) if name.eq_ignore_ascii_case(&self.config.name) => settled.clone(),
            // When the first name found no server there is no use in asking for another.
            (None, Some(name)) if settled.is_ok() => self.look_up(name).await,
            (None, _) => settled.clone(),
        };
        let address = match resolved.map(|addresses| addresses.first().copied()) {
            Ok(Some(address)) => address,
            Ok(None) => return skipped("its name has no address"),
            Err(reason) => return skipped(&format!("its name is not resolved: {reason}")),
        };
        if let Err(reason) = permit(address, &self.permitted) {
            return skipped(&format!("{address} is {reason}"));
        }
        let mut tally = Tally::default();
        let mut page = None;
        tally.count(self.web().ask(target, address, self.patience()).await.map(|(round_trip, found)| {
            page = Some(found);
            round_trip
        }));
        let mut result = self.probed(Rung::Web, Method::Http, text.to_owned(), Some(address), &tally);
        match page {
            Some(Page::Captive(reason)) => (result.outcome, result.reason) = (Outcome::Captive, Some(reason)),
            Some(Page::Wrong(reason)) => (result.outcome, result.reason) = (Outcome::Failed, Some(reason)),
            Some(Page::Expected) | None => {}
        }
        result
    }

    pub(super) async fn look_up(&self, name: &str) -> Resolved {
        let servers = dns::servers(&self.config.resolv_conf)?;
        self.resolve(&servers, name).await.1
    }
}

fn dns_rung(rung: Rung, target: &str, outcome: Outcome, reason: &str) -> RungResult {
    RungResult::unsent(rung, Method::Dns, target, outcome, reason)
}

fn name_rung(name: &str, resolvers: &[RungResult], settled: &Resolved) -> RungResult {
    let nobody_asked = resolvers.iter().all(|resolver| resolver.outcome == Outcome::Skipped);
    let nearest = resolvers.iter().find(|resolver| resolver.answered());
    let mut result = match settled {
        Ok(addresses) if addresses.is_empty() => {
            dns_rung(Rung::Name, name, Outcome::Failed, "the name has no address")
        }
        Ok(_) => RungResult { reason: None, ..dns_rung(Rung::Name, name, Outcome::Ok, "") },
        Err(_) if nobody_asked => dns_rung(Rung::Name, name, Outcome::Skipped, "no name server to ask"),
        Err(reason) => dns_rung(Rung::Name, name, Outcome::Failed, reason),
    };
    if result.answered() {
        result.rtt_s = nearest.and_then(|resolver| resolver.rtt_s);
        result.place = nearest.and_then(|resolver| resolver.place);
    }
    result
}
