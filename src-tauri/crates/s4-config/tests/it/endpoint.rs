//! Which texts are endpoints, and which endpoints are one store.

use s4_config::{Endpoint, StoreIdentity};

#[track_caller]
fn check_invalid(text: &str, variant: &str) {
    let error = text.parse::<Endpoint>().unwrap_err();
    assert!(format!("{error:?}").starts_with(variant), "{text}: {error:?}");
}

#[test]
fn an_endpoint_is_a_url_with_a_host_and_no_keys() {
    for (text, host, is_plain) in [
        ("https://s3.example.com", "s3.example.com", false),
        ("HTTPS://S3.Example.com:9000/", "s3.example.com", false),
        ("http://127.0.0.1:9000", "127.0.0.1", true),
        ("http://[::1]:9000/path", "[::1]", true),
        ("http://[::1]", "[::1]", true),
    ] {
        let endpoint: Endpoint = text.parse().unwrap();
        assert_eq!((endpoint.host().as_str(), endpoint.is_plain_http()), (host, is_plain), "{text}");
        assert_eq!(endpoint.to_string(), text, "the spelling stays");
    }
    check_invalid("s3.example.com", "Scheme");
    check_invalid("ftp://s3.example.com", "Scheme");
    check_invalid("https://", "Host");
    check_invalid("https:///path", "Host");
    check_invalid("https://host:port", "Host");
    check_invalid("https://host:", "Host");
    check_invalid("https://host:0", "Host");
    check_invalid("https://ho st", "Host");
    check_invalid("https://host/?list", "Query");
    check_invalid("https://key:secret@host", "Password");
}

#[test]
fn an_error_does_not_show_a_password() {
    let error = "https://key:hunter2@host".parse::<Endpoint>().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[track_caller]
fn check_same(left: (&str, &str), right: (&str, &str), is_same: bool) {
    let identity = |(endpoint, region): (&str, &str)| {
        let endpoint: Option<Endpoint> = (!endpoint.is_empty()).then(|| endpoint.parse().unwrap());
        StoreIdentity::of(endpoint.as_ref(), Some(region).filter(|region| !region.is_empty()))
    };
    assert_eq!(identity(left) == identity(right), is_same, "{left:?} {right:?}");
}

#[test]
fn one_store_has_many_endpoints() {
    let amazon = ("", "");
    check_same(amazon, ("", "eu-west-2"), true);
    check_same(amazon, ("https://s3.amazonaws.com", ""), true);
    check_same(amazon, ("https://s3.dualstack.eu-west-2.amazonaws.com/", "eu-west-2"), true);
    check_same(amazon, ("", "cn-north-1"), false);
    check_same(("", "cn-north-1"), ("https://s3.cn-north-1.amazonaws.com.cn", ""), true);
    check_same(amazon, ("https://notamazonaws.com", ""), false);
    check_same(("http://host", ""), ("https://HOST:443/", "us-east-1"), true);
    check_same(("http://host:9000", ""), ("http://host:9001", ""), false);
    check_same(("http://host/one", ""), ("http://host/two", ""), false);
}
