//! The compiled-in certificate authorities of databases on AWS (`tools/ca/update`).

use std::collections::{BTreeMap, BTreeSet};

use tests::stack::root;
use time::{Duration, OffsetDateTime};
use x509_parser::pem::Pem;
use x509_parser::prelude::X509Certificate;

const AMAZON: [&str; 5] = [
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
];
/// The regions that `docs/operations.md` promises. Add a new region of AWS here.
const REGIONS: [&str; 27] = [
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ca-central-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "me-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];
const KEYS: [&str; 3] = ["ECC384", "RSA2048", "RSA4096"];

fn bundle() -> String {
    std::fs::read_to_string(root().join("shared/operations/src/db/rds-ca.pem")).unwrap()
}

fn common_name(certificate: &X509Certificate<'_>) -> String {
    let mut names = certificate.subject().iter_common_name();
    names.next().unwrap().as_str().unwrap().to_owned()
}

#[test]
fn each_compiled_in_authority_is_valid_for_another_year() {
    let text = bundle();
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .collect();
    let mut found = Vec::new();
    for pem in Pem::iter_from_buffer(text.as_bytes()) {
        let pem = pem.unwrap();
        let certificate = pem.parse_x509().unwrap();
        let name = common_name(&certificate);
        assert!(certificate.is_ca(), "{name}");
        assert_eq!(certificate.subject(), certificate.issuer(), "{name}");
        let year = OffsetDateTime::now_utc() + Duration::days(365);
        let until = certificate.validity().not_after.to_datetime();
        assert!(until > year, "{name} ends {until}: run tools/ca/update");
        found.push(name);
    }
    // The first comment names the source of the file.
    assert_eq!(found, names[1..]);
}

#[test]
fn every_region_has_its_three_authorities_and_amazon_its_five() {
    let mut regions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut amazon = Vec::new();
    for name in bundle().lines().filter_map(|line| line.strip_prefix("# ")) {
        let words: Vec<&str> = name.split(' ').collect();
        match words[..] {
            ["Amazon", "RDS", region, "Root", "CA", key, "G1"] => {
                regions
                    .entry(region.to_owned())
                    .or_default()
                    .insert(key.to_owned());
            }
            ["Written", ..] => {}
            _ => amazon.push(name.to_owned()),
        }
    }
    assert_eq!(amazon, AMAZON);
    assert!(regions.keys().map(String::as_str).eq(REGIONS));
    assert!(
        regions
            .values()
            .all(|keys| keys.iter().map(String::as_str).eq(KEYS))
    );
}
