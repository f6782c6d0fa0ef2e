"""Podspecs are evaluated by Ruby, and what CocoaPods would refuse is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.ruby import Ruby
from tvmplug.errors import ProcessError

pytestmark = pytest.mark.slow

PODSPEC = """\
Pod::Spec.new do |s|
  s.name = 'greet'
  s.version = '1.2.0'
  s.summary = 'Greets.'
  s.homepage = 'https://example.org/greet'
  s.license = { :type => 'MIT', :file => '../LICENSE' }
  s.author = { 'Ann' => 'ann@example.org' }
  s.source = { :path => '.' }
  s.source_files = 'greet/Sources/**/*.swift'
  s.resource_bundles = { 'greet_privacy' => ['PrivacyInfo.xcprivacy'] }
  s.ios.dependency 'Flutter'
  s.osx.dependency 'FlutterMacOS'
  s.dependency 'tvm_runtime_flutter', '~> 1.0'
  s.ios.deployment_target = '13.0'
  s.osx.deployment_target = '11.0'
  s.swift_version = '5.9'
  s.vendored_framework = 'Frameworks/greet.xcframework' if Dir.exist?('Frameworks')
  s.script_phase = { :name => 'Look', :script => 'true', :execution_position => :before_compile }
end
"""


@pytest.fixture
def podspec(tmp_path: Path) -> Path:
    path = tmp_path / "greet.podspec"
    path.write_text(PODSPEC)
    return path


def test_a_podspecs_values_are_read(ruby: Ruby, podspec: Path) -> None:
    # A podspec is evaluated in its own folder.
    (podspec.parent / "Frameworks").mkdir()
    values = ruby.read_podspec(podspec)
    assert values == {
        "name": "greet",
        "version": "1.2.0",
        "summary": "Greets.",
        "homepage": "https://example.org/greet",
        "license": {"type": "MIT", "file": "../LICENSE"},
        "authors": {"Ann": "ann@example.org"},
        "source": {"path": "."},
        "source_files": "greet/Sources/**/*.swift",
        "resource_bundles": {"greet_privacy": ["PrivacyInfo.xcprivacy"]},
        "dependencies": {"tvm_runtime_flutter": ["~> 1.0"]},
        "platforms": {"ios": "13.0", "osx": "11.0"},
        "swift_versions": "5.9",
        "vendored_frameworks": "Frameworks/greet.xcframework",
        "script_phases": {"name": "Look", "script": "true", "execution_position": "before_compile"},
        "ios": {"dependencies": {"Flutter": []}},
        "osx": {"dependencies": {"FlutterMacOS": []}},
    }


def test_subspecs_are_read(ruby: Ruby, podspec: Path) -> None:
    subspec = "  s.subspec 'Core' do |core|\n    core.libraries = 'c++', 'z'\n  end\nend\n"
    podspec.write_text(PODSPEC.removesuffix("end\n") + subspec)
    values = ruby.read_podspec(podspec)
    assert values["subspecs"] == [{"name": "Core", "libraries": ["c++", "z"]}]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("s.summary = 'Greets.'", "s.sumary = 'Greets.'", r"podspec:4.*undefined method .sumary="),
        ("s.summary = 'Greets.'", "s.summary = 1", "summary = 1, not String"),
        ("  s.summary = 'Greets.'\n", "", "lacks summary"),
        ("'greet'\n", "'great'\n", "podspec of great is called greet.podspec"),
        ("s.ios.deployment_target", "s.deployment_target", "without a platform"),
        ("'13.0'", "'13.x'", "a deployment target"),
        ("s.ios.dependency 'Flutter'", "s.android.dependency 'Flutter'", "undefined method"),
        ("s.swift_version", "s.ios.swift_version", "swift_versions for ios alone"),
        (":script =>", ":scripts =>", "a script phase with scripts"),
        (":before_compile", ":early", "a script phase at early"),
        ("'~> 1.0'", ":path => '../runtime'", "belongs into a Podfile"),
        ("s.version = '1.2.0'", "raise Pod::Informative, 'not staged'", "podspec:3:.*: not staged"),
        ("do |s|", "do |s", "syntax error"),
    ],
)
def test_what_cocoapods_refuses_is_refused(
    ruby: Ruby, podspec: Path, old: str, new: str, said: str
) -> None:
    assert PODSPEC.count(old) == 1
    podspec.write_text(PODSPEC.replace(old, new))
    with pytest.raises(ProcessError) as raised:
        ruby.read_podspec(podspec)
    assert re.search(said, raised.value.output), raised.value.output


def test_syntax_and_warnings_are_told(ruby: Ruby, podspec: Path) -> None:
    assert ruby.check_syntax(podspec) == "Syntax OK"
    podspec.write_text("unused = 1\n")
    assert "unused" in ruby.check_syntax(podspec)
    podspec.write_text("end\n")
    assert "syntax error" in ruby.check_syntax(podspec)


def test_the_recorder_itself_has_no_warning(ruby: Ruby) -> None:
    recorder = Path(__file__).parents[2] / "tools/pod_spec.rb"
    assert ruby.check_syntax(recorder) == "Syntax OK"
