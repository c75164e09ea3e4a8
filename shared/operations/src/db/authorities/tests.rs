use super::*;

/// The names of the authorities of a region.
fn names(region: Option<&str>) -> Vec<String> {
    let pem = rds(region);
    let names = pem.lines().filter_map(|line| line.strip_prefix("# "));
    let names: Vec<String> = names.map(ToOwned::to_owned).collect();
    assert_eq!(pem.matches(BEGIN).count(), names.len());
    names
}

const AMAZON: [&str; 5] = [
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
];

#[test]
fn a_region_trusts_its_own_authorities_and_amazons() {
    let own = ["ECC384 G1", "RSA2048 G1", "RSA4096 G1"]
        .map(|key| format!("Amazon RDS ap-south-1 Root CA {key}"));
    let expected: Vec<&str> = own.iter().map(String::as_str).chain(AMAZON).collect();
    assert_eq!(names(Some("ap-south-1")), expected);
}

/// In a region that is newer than the bundle, only a proxy is trusted: Amazon's roots have issued
/// its certificate.
#[test]
fn an_unknown_region_trusts_amazons_alone() {
    assert_eq!(names(Some("moon-west-1")), AMAZON);
    // no region is the beginning of another one
    assert_eq!(names(Some("ap-south")), AMAZON);
}

#[test]
fn every_choice_makes_a_connector() {
    for region in [None, Some("eu-west-1"), Some("moon-west-1")] {
        let region = region.map(ToOwned::to_owned);
        connector(&Authorities::Rds { region }).map(drop).unwrap();
    }
    assert_eq!(names(None).len(), 86);
}
