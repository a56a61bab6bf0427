//! Enrolment tokens for the province's sites: one each, in a file; or a few given as they are, shared out in turn.

use crate::fleet::plan::Site;
use anyhow::{Context as _, bail};
use serde::Deserialize;
use std::path::Path;
use tram_proto::enroll::Token;

/// Tokens by site.
#[derive(Debug, Clone)]
pub struct Tokens(Source);

#[derive(Debug, Clone)]
enum Source {
    BySite(Vec<Entry>),
    InTurn(Vec<Token>),
}

/// One of the file. The agency is its name, or its path from the province down.
#[derive(Debug, Clone, Deserialize)]
struct Entry {
    agency: String,
    site: String,
    token: String,
}

impl Tokens {
    /// From what was given: tokens, or one path of a file, see [`Self::parse`].
    pub fn load(given: &[String]) -> anyhow::Result<Self> {
        if let [path] = given
            && !path.starts_with("tram1_")
        {
            let text = std::fs::read_to_string(path).with_context(|| format!("tokens in {path}"))?;
            return Self::parse(&text).with_context(|| format!("tokens in {}", Path::new(path).display()));
        }
        let tokens: Vec<Token> = given.iter().map(|token| token.parse()).collect::<Result<_, _>>()?;
        if tokens.is_empty() {
            bail!("no token: expected a file or tokens as `tram-collector enrollment create` prints them");
        }
        Ok(Self(Source::InTurn(tokens)))
    }

    /// From a file's text: a JSON array of `{"agency": .., "site": .., "token": ..}`, or lines of agency, site and
    /// token with tabs between them.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let entries: Vec<Entry> = if text.trim_start().starts_with(['[', '{']) {
            serde_json::from_str(text)
                .context("expected a JSON array of objects with agency, site and token")?
        } else {
            text.lines().map(line).collect::<anyhow::Result<_>>()?
        };
        for entry in &entries {
            entry
                .token
                .parse::<Token>()
                .with_context(|| format!("token of {}, {}", entry.agency, entry.site))?;
        }
        Ok(Self(Source::BySite(entries)))
    }

    /// The token of the site at a place in the plan.
    pub fn of(&self, place: usize, site: &Site) -> anyhow::Result<Token> {
        match &self.0 {
            Source::InTurn(tokens) => Ok(tokens[place % tokens.len()].clone()),
            Source::BySite(entries) => {
                let is_of = |entry: &&Entry| {
                    (entry.agency == site.agency || entry.agency == site.path) && entry.site == site.name
                };
                let found = entries.iter().find(is_of);
                let entry = found.with_context(|| format!("no token for {}, {}", site.agency, site.name))?;
                Ok(entry.token.parse()?)
            }
        }
    }
}

fn line(line: &str) -> anyhow::Result<Entry> {
    match line.split('\t').collect::<Vec<_>>().as_slice() {
        [agency, site, token] => {
            Ok(Entry { agency: (*agency).into(), site: (*site).into(), token: (*token).into() })
        }
        _ => bail!("{line:?}: expected agency, site and token with tabs between them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::plan::Plan;

    fn token(secret: u8) -> Token {
        Token { ca_sha256: [1; 32], issued_ms: 1_795_000_000_000, secret: [secret; 20] }
    }

    #[test]
    fn a_file_has_one_for_each_site_and_a_missing_one_is_named() {
        let plan = Plan::new(1, 8);
        let (first, second) = (&plan.sites[0], &plan.sites[1]);
        let text = format!(
            r#"[{{"agency": "{}", "site": "{}", "token": "{}"}}]"#,
            first.agency,
            first.name,
            token(7)
        );
        let tokens = Tokens::parse(&text).unwrap();
        assert_eq!(tokens.of(0, first).unwrap(), token(7));
        assert!(tokens.of(1, second).unwrap_err().to_string().contains(&second.agency));
        let lines = format!("{}\t{}\t{}\n", second.path, second.name, token(8));
        assert_eq!(Tokens::parse(&lines).unwrap().of(1, second).unwrap(), token(8));
    }

    #[test]
    fn bare_tokens_are_shared_out_in_turn() {
        let plan = Plan::new(1, 8);
        let tokens = Tokens::load(&[token(1).to_string(), token(2).to_string()]).unwrap();
        let given: Vec<Token> = (0..3).map(|place| tokens.of(place, &plan.sites[place]).unwrap()).collect();
        assert_eq!(given, [token(1), token(2), token(1)]);
    }

    #[test]
    fn what_is_neither_is_refused() {
        assert!(Tokens::load(&[]).is_err());
        assert!(Tokens::load(&["/nonexistent".into()]).is_err());
        assert!(Tokens::parse("{}").is_err());
        assert!(Tokens::parse("agency site token").is_err());
        assert!(Tokens::parse(r#"[{"agency": "a", "site": "b", "token": "c"}]"#).is_err());
    }
}
