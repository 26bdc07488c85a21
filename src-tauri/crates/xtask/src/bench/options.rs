//! What `cargo xtask bench` is asked for.

use anyhow::{Context, Result, bail};

use crate::{bench::work::Work, server::Access};

pub(super) const USAGE: &str = "\
Usage: cargo xtask bench [OPTION…] [WORK…]

Works: small, large, many, million; without one, all, and docs/benchmarks.md is written.

  --quick          1,000 files, 64 MiB, one run: does everything work?
  --runs N         timed runs of each work [default: 3]
  --endpoint URL   a store of your own instead of the embedded server, with --bucket NAME and --region REGION;
                   its keys are taken from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY

With S4_BINARY set, that program is measured instead of a release build of this checkout.
";

pub(super) struct Options {
    pub(super) is_quick: bool,
    pub(super) runs: usize,
    /// The store to use instead of the embedded server.
    pub(super) store: Option<Access>,
    pub(super) works: Vec<Work>,
}

impl Options {
    /// Reads the command line; `environment` tells the keys of a store of one's own.
    pub(super) fn parse(arguments: &[&str], environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut options = Self { is_quick: false, runs: 3, store: None, works: Vec::new() };
        let (mut endpoint, mut bucket, mut region, mut runs) = (None, None, None, None);
        let mut words = arguments.iter().copied();
        while let Some(word) = words.next() {
            let slot = match word {
                "--quick" => {
                    options.is_quick = true;
                    continue;
                }
                "--runs" => &mut runs,
                "--endpoint" => &mut endpoint,
                "--bucket" => &mut bucket,
                "--region" => &mut region,
                name => {
                    let work = Work::ALL.into_iter().find(|work| work.name() == name);
                    options.works.push(work.with_context(|| format!("`{name}` is no work\n\n{USAGE}"))?);
                    continue;
                }
            };
            *slot = Some(words.next().with_context(|| format!("{word} needs a value"))?);
        }
        if let Some(runs) = runs {
            options.runs = runs.parse().ok().filter(|runs| *runs > 0).context("--runs needs a number")?;
        }
        if options.is_quick {
            options.runs = 1;
        }
        if options.works.is_empty() {
            options.works = Work::ALL.to_vec();
        }
        let key =
            |name: &str| environment(name).with_context(|| format!("--endpoint needs {name} to be set"));
        options.store = match (endpoint, bucket) {
            (None, None) => None,
            (Some(endpoint), Some(bucket)) => Some(Access {
                endpoint: endpoint.trim_end_matches('/').to_owned(),
                region: region.unwrap_or("us-east-1").to_owned(),
                bucket: bucket.to_owned(),
                key_id: key("AWS_ACCESS_KEY_ID")?,
                secret: key("AWS_SECRET_ACCESS_KEY")?,
            }),
            _ => bail!("--endpoint and --bucket go together"),
        };
        Ok(options)
    }

    /// Returns whether the table in the documentation is to be written: only a whole run may.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_quick && self.works.len() == Work::ALL.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Work};

    fn parse(line: &str) -> anyhow::Result<Options> {
        let words: Vec<&str> = line.split_whitespace().collect();
        Options::parse(&words, |name| Some(name.to_lowercase()))
    }

    #[test]
    fn command_lines_are_read_or_refused() {
        let plain = parse("").unwrap();
        assert!(plain.is_whole() && plain.runs == 3 && plain.store.is_none());
        let some = parse("large --runs 5 small").unwrap();
        assert_eq!((some.works, some.runs), (vec![Work::Large, Work::Small], 5));
        assert!(!parse("--quick").unwrap().is_whole());
        let store = parse("--endpoint http://x/ --bucket b").unwrap().store.unwrap();
        assert_eq!((&*store.endpoint, &*store.secret), ("http://x", "aws_secret_access_key"));
        for wrong in ["huge", "--runs", "--runs 0", "--endpoint http://x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
