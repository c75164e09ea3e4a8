use super::*;

fn address(host: Option<&str>, port: Option<u16>, name: Option<&str>) -> Address {
    Address {
        host: host.map(ToOwned::to_owned),
        port,
        name: name.map(ToOwned::to_owned),
        user: None,
    }
}

/// (host, port, user, password, database)
fn read(config: &Config) -> (String, u16, String, String, String) {
    let host = match config.get_hosts() {
        [Host::Tcp(host)] => host.clone(),
        hosts => panic!("{hosts:?}"),
    };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    (
        host,
        config.get_ports()[0],
        text(config.get_user()),
        String::from_utf8(config.get_password().unwrap_or_default().to_vec()).unwrap(),
        text(config.get_dbname()),
    )
}

fn expected(host: &str, port: u16, database: &str) -> (String, u16, String, String, String) {
    let [user, password] = ["u", "p:@/ü"].map(ToOwned::to_owned);
    (host.to_owned(), port, user, password, database.to_owned())
}

#[test]
fn a_secret_as_rds_makes_it_is_read_and_completed_by_the_environment() {
    let whole = r#"{"username": "u", "password": "p:@/ü", "host": "h", "port": 6432,
        "dbname": "d", "engine": "postgres", "dbInstanceIdentifier": "x", "masterarn": "y"}"#;
    let nowhere = Address::default();
    let config = nowhere.with_secret(whole).unwrap();
    assert_eq!(read(&config), expected("h", 6432, "d"));
    let config = address(Some("proxy"), Some(1), Some("e")).with_secret(whole);
    assert_eq!(read(&config.unwrap()), expected("proxy", 1, "e"));
    // a secret that RDS manages has no address, and rotation functions write ports as text
    let short = r#"{"username": "u", "password": "p:@/ü"}"#;
    let config = address(Some("h"), None, Some("d")).with_secret(short);
    assert_eq!(read(&config.unwrap()), expected("h", 5432, "d"));
    let text = r#"{"username": "u", "password": "p:@/ü", "host": "h", "port": "1", "dbname": "d"}"#;
    let config = nowhere.with_secret(text).unwrap();
    assert_eq!(read(&config), expected("h", 1, "d"));
}

#[test]
fn a_whole_url_is_a_secret_too() {
    let url = "postgresql://u:p%3A%40%2F%C3%BC@h:6432/d?options=-c%20a%3Db\n";
    let config = Address::default().with_secret(url).unwrap();
    assert_eq!(read(&config), expected("h", 6432, "d"));
    assert_eq!(config.get_options(), Some("-c a=b"));
    for (address, host, port, name) in [
        (address(Some("proxy"), None, None), "proxy", 6432, "d"),
        (address(None, Some(1), None), "h", 1, "d"),
        (address(None, None, Some("e")), "h", 6432, "e"),
    ] {
        let config = address.with_secret(url).unwrap();
        assert_eq!(read(&config), expected(host, port, name));
        assert_eq!(config.get_options(), Some("-c a=b"));
    }
}

#[test]
fn an_unusable_secret_is_named_and_never_quoted() {
    for (secret, word) in [
        ("hunter2", "neither"),
        (r#""hunter2""#, "neither"),
        (r#"{"username": "u", "password": 7}"#, "neither"),
        (
            r#"{"username": "u", "password": "hunter2", "host": "h"}"#,
            "DATABASE_NAME",
        ),
        (
            r#"{"username": "u", "password": "hunter2", "dbname": "d"}"#,
            "DATABASE_HOST",
        ),
        (
            r#"{"password": "hunter2", "host": "h", "dbname": "d"}"#,
            "DATABASE_USER",
        ),
        (
            r#"{"username": "u", "host": "h", "dbname": "d"}"#,
            "password",
        ),
        (
            r#"{"username": "u", "password": "x", "host": "h", "dbname": "d", "port": "hunter2"}"#,
            "port",
        ),
        ("postgresql://u:hunter2@h:port/d", "URL"),
    ] {
        let error = Address::default()
            .with_secret(secret)
            .unwrap_err()
            .to_string();
        assert!(error.contains(word), "{secret}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
