//! Open files: content, stamps, permissions.

use super::{Clause, Subject, expect, path};
use crate::error::DiskErrorKind;

pub(super) const CHECKS: &[Clause] = &[
    ("content is written and read at any place", content),
    ("ranges of another file are copied to any place", copies),
    ("only regular files are opened", only_files),
    ("mtime is kept to what the disk can hold", mtimes),
    ("a write moves the stamps", writes_move_stamps),
    ("a handle leads to its file whatever its name", handles_follow_the_file),
    ("the clock is that of the stamps", clock),
    ("permissions are the nine bits, where there are any", permissions),
];

const SECOND: i64 = 1_000_000_000;

fn content(subject: &Subject<'_>) {
    let handle = subject.disk.create(&path("f")).unwrap();
    handle.write_at(b"world", 6).unwrap();
    handle.write_at(b"hello", 0).unwrap();
    let mut buffer = [1; 16];
    assert_eq!(handle.read_at(&mut buffer, 0).unwrap(), 11);
    assert_eq!(&buffer[..11], b"hello\0world", "a gap reads as zeroes");
    assert_eq!(handle.read_at(&mut buffer, 11).unwrap(), 0);
    assert_eq!(handle.read_at(&mut buffer, 1 << 40).unwrap(), 0);
    assert_eq!(handle.read_at(&mut [], 0).unwrap(), 0);
    handle.set_size(5).unwrap();
    handle.set_size(7).unwrap();
    handle.sync().unwrap();
    drop(handle);
    assert_eq!(subject.read("f"), b"hello\0\0");
    let again = subject.disk.open_for_writing(&path("f")).unwrap();
    again.write_at(b"J", 0).unwrap();
    assert_eq!(subject.read("f"), b"Jello\0\0");
    assert_eq!(subject.read("f").len() as u64, again.stat().unwrap().fingerprint.size);
}

fn copies(subject: &Subject<'_>) {
    let long: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    subject.write("from", &long);
    let source = subject.disk.open(&path("from")).unwrap();
    let before = source.stat().unwrap();
    let handle = subject.disk.create(&path("to")).unwrap();
    handle.write_at(b"beginning", 0).unwrap();
    handle.copy_range_from(&*source, 4_096, 8_192, 500_000).unwrap();
    handle.copy_range_from(&*source, 999_990, 9, 10).unwrap();
    handle.copy_range_from(&*source, 5, 0, 0).unwrap();
    handle.write_at(b"changed", 8_192).unwrap();
    let built = subject.read("to");
    assert_eq!(built.len(), 508_192);
    assert_eq!(&built[..19], [b"beginning", &long[999_990..]].concat());
    assert_eq!(built[19..8_192], [0; 8_173], "a gap reads as zeroes");
    assert_eq!(&built[8_192..8_199], b"changed");
    assert_eq!(built[8_199..], long[4_103..504_096]);
    expect(handle.copy_range_from(&*source, 999_995, 0, 10), DiskErrorKind::Changed);
    expect(handle.copy_range_from(&*source, 1 << 40, 0, 1), DiskErrorKind::Changed);
    assert_eq!(source.stat().unwrap(), before, "what is copied from stays as it is");
    assert_eq!(subject.read("from"), long);
}

fn only_files(subject: &Subject<'_>) {
    subject.make_dir("d");
    expect(subject.disk.open(&path("d")), DiskErrorKind::WrongKind);
    expect(subject.disk.open_for_writing(&path("d")), DiskErrorKind::WrongKind);
    expect(subject.disk.open(&path("none")), DiskErrorKind::Missing);
    if subject.traits.has_symlinks {
        subject.write("f", b"x");
        subject.disk.symlink("f", &path("l")).unwrap();
        expect(subject.disk.open(&path("l")), DiskErrorKind::WrongKind);
        expect(subject.disk.open_for_writing(&path("l")), DiskErrorKind::WrongKind);
    }
}

fn mtimes(subject: &Subject<'_>) {
    let handle = subject.disk.create(&path("f")).unwrap();
    // The epoch, before it, after 2106, and an odd nanosecond.
    for wanted in [0, -SECOND / 2, 5_000_000_000 * SECOND, 1_600_000_000 * SECOND + 123_456_789] {
        handle.set_mtime(wanted).unwrap();
        let found = handle.stat().unwrap().fingerprint.mtime_ns;
        assert_eq!(subject.lstat("f").unwrap().fingerprint.mtime_ns, found);
        let is_coarse = subject.traits.granularity_ns >= SECOND;
        assert!(found == wanted || is_coarse || wanted - found < 1000, "{wanted} became {found}");
    }
}

fn writes_move_stamps(subject: &Subject<'_>) {
    let handle = subject.disk.create(&path("f")).unwrap();
    handle.write_at(b"x", 0).unwrap();
    handle.set_mtime(SECOND).unwrap();
    let before = handle.stat().unwrap().fingerprint;
    handle.write_at(b"y", 0).unwrap();
    let after = handle.stat().unwrap().fingerprint;
    assert_ne!(before.mtime_ns, after.mtime_ns);
    assert_eq!((before.size, before.file_id), (after.size, after.file_id));
    assert!(after.ctime_ns >= before.ctime_ns);
}

fn handles_follow_the_file(subject: &Subject<'_>) {
    let handle = subject.disk.create(&path("f")).unwrap();
    handle.write_at(b"x", 0).unwrap();
    subject.disk.rename(&path("f"), &path("g")).unwrap();
    handle.write_at(b"yy", 0).unwrap();
    assert_eq!(subject.read("g"), b"yy");
    assert_eq!(handle.stat().unwrap().fingerprint, subject.lstat("g").unwrap().fingerprint);
    let other = subject.write("f", b"other");
    assert_ne!(other.fingerprint.file_id, handle.stat().unwrap().fingerprint.file_id);
}

fn clock(subject: &Subject<'_>) {
    subject.make_dir("scratch");
    let before = subject.disk.now(&path("scratch")).unwrap();
    let written = subject.write("f", b"x").fingerprint.mtime_ns;
    let after = subject.disk.now(&path("scratch")).unwrap();
    let granularity = subject.traits.granularity_ns;
    assert!(before - granularity <= written && written <= after + granularity, "{before} {written} {after}");
}

fn permissions(subject: &Subject<'_>) {
    let handle = subject.disk.create(&path("f")).unwrap();
    handle.set_permissions(0o4750).unwrap();
    let permissions = handle.stat().unwrap().permissions;
    assert_eq!(permissions, if subject.traits.has_executable_bit { 0o750 } else { 0 });
    handle.set_permissions(0o640).unwrap();
    assert!(!subject.lstat("f").unwrap().executable());
}
