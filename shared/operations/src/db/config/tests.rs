use super::*;

fn parse(variables: &[(&str, &str)]) -> Result<DatabaseConfig, ConfigError> {
    let variables: std::collections::HashMap<_, _> = variables.iter().copied().collect();
    DatabaseConfig::parse("test", |name| variables.get(name).map(ToString::to_string))
}

#[test]
fn plaintext_never_leaves_the_machine() {
    for url in [
        "postgresql://u@127.0.0.1/d",
        "postgresql://u@localhost/d",
        "postgresql://u@%2Ftmp%2Fs/d",
    ] {
        assert_eq!(
            parse(&[("DATABASE_URL", url), ("DATABASE_TLS", "off")])
                .unwrap()
                .tls,
            Tls::Off
        );
    }
    for url in [
        "postgresql://u@db.example.com/d",
        "postgresql://u@127.0.0.1,db.example.com/d",
        "postgresql://u@localhost/d?hostaddr=10.0.0.1",
        "postgresql:///d?user=u",
    ] {
        let error = parse(&[("DATABASE_URL", url), ("DATABASE_TLS", "off")])
            .err()
            .unwrap();
        assert!(
            error.to_string().starts_with("DATABASE_TLS can't be used"),
            "{url}: {error}"
        );
    }
}

#[test]
fn tls_is_verified_unless_it_is_switched_off() {
    let url = ("DATABASE_URL", "postgresql://u@127.0.0.1/d");
    let error = parse(&[url]).err().unwrap();
    assert!(
        error.to_string().starts_with("DATABASE_CA_FILE is not set"),
        "{error}"
    );
    let config = parse(&[url, ("DATABASE_CA_FILE", "/ca.pem")]).unwrap();
    let file = Authorities::File("/ca.pem".into());
    assert_eq!(config.tls, Tls::Verify(file));
}

#[test]
fn a_wrong_setting_is_named_and_never_quoted_with_its_password() {
    let error = parse(&[("DATABASE_URL", "postgresql://u:hunter2@host:port/d")])
        .err()
        .unwrap();
    assert!(error.to_string().contains("DATABASE_URL") && !error.to_string().contains("hunter2"));
    assert!(
        parse(&[])
            .err()
            .unwrap()
            .to_string()
            .contains("DATABASE_URL is not set")
    );
}

struct Nobody;

impl Keeper for Nobody {
    fn store(&self, _: &str) -> Box<dyn Store> {
        panic!("not asked for here")
    }

    fn signer(&self) -> Box<dyn Signer> {
        panic!("not asked for here")
    }
}

#[test]
fn only_one_setting_may_say_who_comes() {
    const ARN: (&str, &str) = ("DATABASE_SECRET_ARN", "arn");
    const URL: (&str, &str) = ("DATABASE_URL", "postgresql://u:hunter2@127.0.0.1/d");
    const IAM: (&str, &str) = ("DATABASE_AUTH", "iam");
    const RDS: (&str, &str) = ("DATABASE_CA", "rds");
    const FILE: (&str, &str) = ("DATABASE_CA_FILE", "/ca.pem");
    const OFF: (&str, &str) = ("DATABASE_TLS", "off");
    for (variables, words) in [
        (&[URL, ARN, RDS][..], "DATABASE_URL can't be used: only one"),
        (&[URL, IAM, RDS], "DATABASE_URL can't be used: only one"),
        (&[ARN, IAM, RDS], "DATABASE_URL can't be used: only one"),
        (&[IAM, RDS], "DATABASE_HOST is not set"),
        (
            &[IAM, RDS, ("DATABASE_HOST", "h")],
            "DATABASE_NAME is not set",
        ),
        (&[IAM, OFF], "DATABASE_TLS can't be used"),
        (&[URL, RDS, FILE], "DATABASE_CA can't be used"),
        (&[URL, ("DATABASE_CA", "all")], "DATABASE_CA can't be used"),
        (&[URL], "DATABASE_CA_FILE is not set"),
        (
            &[URL, OFF, ("DATABASE_AUTH", "ldap")],
            "DATABASE_AUTH can't",
        ),
        (
            &[URL, OFF, ("DATABASE_CLUSTER", "yes")],
            "DATABASE_CLUSTER can't be used: must be `citus` or not set, got \"yes\"",
        ),
        (
            &[
                IAM,
                RDS,
                ("DATABASE_HOST", "h"),
                ("DATABASE_NAME", "d"),
                ("DATABASE_USER", "u"),
                ("DATABASE_CLUSTER", "citus"),
            ],
            "DATABASE_CLUSTER can't be used: `citus` and DATABASE_AUTH=iam",
        ),
        (&[ARN, RDS, ("DATABASE_PORT", "0")], "DATABASE_PORT can't"),
        (&[ARN, RDS, ("SECRET_TTL_S", "0")], "SECRET_TTL_S can't"),
        (&[("DATABASE_URL", ""), RDS], "DATABASE_URL is not set"),
    ] {
        let variables: std::collections::HashMap<_, _> = variables.iter().copied().collect();
        let variable = |name: &str| variables.get(name).map(ToString::to_string);
        let error = DatabaseConfig::parse_with("test", variable, Some(&Nobody));
        let error = error.err().unwrap().to_string();
        assert!(error.starts_with(words), "{variables:?}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let error = parse(&[ARN, RDS]).err().unwrap().to_string();
    assert!(
        error.starts_with("DATABASE_SECRET_ARN can't be used"),
        "{error}"
    );
}

#[test]
fn the_authorities_of_rds_are_those_of_the_region() {
    let url = ("DATABASE_URL", "postgresql://u@127.0.0.1/d");
    let region = ("AWS_REGION", "ap-south-1");
    let config = parse(&[url, ("DATABASE_CA", "rds"), region]).unwrap();
    let region = Some("ap-south-1".to_owned());
    assert_eq!(config.tls, Tls::Verify(Authorities::Rds { region }));
}
