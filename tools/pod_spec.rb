# frozen_string_literal: true

# Evaluates a podspec as CocoaPods does and prints what it sets as JSON (see ruby.py).
#
# The names, types and required attributes are those of CocoaPods 1.16 (its Specification::DSL);
# what that refuses is refused here.

require 'json'

module Pod
  # A mistake in a podspec, or one that it raises itself.
  class Informative < StandardError; end

  # CocoaPods' messages to a person.
  module UI
    def self.warn(message, *) = Kernel.warn(message)
    def self.puts(message = '') = Kernel.warn(message)
  end

  # Records what a podspec sets. A specification for one platform records into a table of its own.
  class Specification
    PLATFORMS = %w[ios osx tvos visionos watchos].freeze
    TEXT = [String].freeze
    LIST = [String, Array].freeze
    TABLE = [Hash].freeze
    FLAG = [TrueClass, FalseClass].freeze

    ROOT = {
      'authors' => [String, Array, Hash], 'changelog' => TEXT, 'cocoapods_version' => TEXT,
      'deprecated' => FLAG, 'deprecated_in_favor_of' => TEXT, 'description' => TEXT,
      'documentation_url' => TEXT, 'homepage' => TEXT, 'license' => [String, Hash],
      'name' => TEXT, 'prepare_command' => TEXT, 'readme' => TEXT, 'screenshots' => LIST,
      'social_media_url' => TEXT, 'source' => TABLE, 'static_framework' => FLAG,
      'summary' => TEXT, 'swift_versions' => LIST, 'version' => TEXT
    }.freeze
    EVERYWHERE = {
      'compiler_flags' => LIST, 'default_subspecs' => [String, Array, Symbol],
      'exclude_files' => LIST, 'frameworks' => LIST, 'header_dir' => TEXT,
      'header_mappings_dir' => TEXT, 'info_plist' => TABLE, 'libraries' => LIST,
      'module_map' => [String, TrueClass, FalseClass], 'module_name' => TEXT,
      'pod_target_xcconfig' => TABLE, 'prefix_header_contents' => LIST,
      'prefix_header_file' => [String, TrueClass, FalseClass], 'preserve_paths' => LIST,
      'private_header_files' => LIST, 'project_header_files' => LIST,
      'public_header_files' => LIST, 'requires_arc' => [String, Array, TrueClass, FalseClass],
      'resource_bundles' => TABLE, 'resources' => LIST, 'scheme' => TABLE,
      'script_phases' => [Hash, Array], 'source_files' => LIST, 'user_target_xcconfig' => TABLE,
      'vendored_frameworks' => LIST, 'vendored_libraries' => LIST, 'weak_frameworks' => LIST
    }.freeze
    SINGULAR = {
      'author' => 'authors', 'default_subspec' => 'default_subspecs', 'framework' => 'frameworks',
      'library' => 'libraries', 'preserve_path' => 'preserve_paths', 'resource' => 'resources',
      'resource_bundle' => 'resource_bundles', 'screenshot' => 'screenshots',
      'script_phase' => 'script_phases', 'swift_version' => 'swift_versions',
      'vendored_framework' => 'vendored_frameworks',
      'vendored_library' => 'vendored_libraries', 'weak_framework' => 'weak_frameworks'
    }.freeze
    REQUIRED = %w[authors homepage license name source summary version].freeze
    PHASE_REQUIRED = %i[name script].freeze
    PHASE_KEYS = (PHASE_REQUIRED + %i[
      always_out_of_date dependency_file execution_position input_file_lists input_files
      output_file_lists output_files shell_path show_env_vars_in_log
    ]).freeze
    POSITIONS = %i[any before_compile after_compile before_headers after_headers].freeze

    attr_reader :values

    def initialize(parent = nil, platform = nil, name = nil)
      @parent = parent
      @platform = platform
      @values = name ? { 'name' => name } : {}
      # What a podspec evaluates to is the specification that it made.
      yield self if block_given?
    end

    PLATFORMS.each do |name|
      define_method(name) do
        refuse("#{name} within #{@platform}") if @platform
        (@platforms ||= {})[name] ||= Specification.new(self, name)
      end
    end

    # Each attribute can be set by its plural name and, where it has one, its singular.
    ROOT.merge(EVERYWHERE).each do |name, types|
      [name, *SINGULAR.key(name)].each do |written|
        define_method(:"#{written}=") { |value| store(name, value, types) }
      end
    end

    ROOT.each_key { |name| define_method(name) { @values[name] } }

    def platform=(arguments)
      name, version = *arguments
      refuse("an unknown platform #{name}") unless PLATFORMS.include?(name.to_s)
      (@values['platforms'] ||= {})[name.to_s] = version
    end

    def deployment_target=(version)
      refuse('a deployment target without a platform') unless @platform
      refuse("a deployment target #{version.inspect}") unless /\A\d+(\.\d+)*\z/.match?(version.to_s)
      (@parent.values['platforms'] ||= {})[@platform] = version.to_s
    end

    def dependency(name, *versions)
      refuse('a dependency without a name') unless name.is_a?(String)
      if versions.any?(Hash)
        refuse("the place of the dependency #{name}, which belongs into a Podfile")
      end
      (@values['dependencies'] ||= {})[name] = versions.flatten
    end

    def subspec(name, &) = add('subspecs', name, &)
    def test_spec(name = 'Tests', &) = add('testspecs', name, &)

    # All values, with those of the platforms in tables of their own.
    def to_h
      own = @values.transform_values { |value| value.is_a?(Array) ? value.map { |v| plain(v) } : value }
      (@platforms || {}).each do |name, specification|
        own[name] = specification.to_h unless specification.to_h.empty?
      end
      own
    end

    def check(file_name)
      missing = REQUIRED.reject { |name| @values[name] && !@values[name].empty? }
      raise Informative, "the podspec lacks #{missing.join(', ')}" unless missing.empty?
      return if file_name == "#{@values['name']}.podspec"

      raise Informative, "the podspec of #{@values['name']} is called #{file_name}"
    end

    private

    def store(name, value, types)
      refuse("#{name} for #{@platform || 'a subspec'} alone") if @parent && ROOT.key?(name)
      unless types.any? { |type| value.is_a?(type) }
        refuse("#{name} = #{value.inspect}, not #{types.join(' or ')}")
      end
      check_phases(value) if name == 'script_phases'
      @values[name] = value
    end

    def check_phases(value)
      (value.is_a?(Hash) ? [value] : value).each do |phase|
        unknown = phase.keys - PHASE_KEYS
        refuse("a script phase with #{unknown.join(', ')}") unless unknown.empty?
        missing = PHASE_REQUIRED - phase.keys
        refuse("a script phase without #{missing.join(', ')}") unless missing.empty?
        position = phase.fetch(:execution_position, :any)
        refuse("a script phase at #{position}") unless POSITIONS.include?(position)
      end
    end

    def add(kind, name)
      refuse("#{kind} for #{@platform} alone") if @platform
      specification = Specification.new(self, nil, name)
      yield specification
      (@values[kind] ||= []) << specification
    end

    def plain(value) = value.is_a?(Specification) ? value.to_h : value

    def refuse(what) = raise(Informative, "CocoaPods takes no such thing: #{what}")
  end

  Spec = Specification
end

path = File.expand_path(ARGV.fetch(0))
begin
  specification = Dir.chdir(File.dirname(path)) { eval(File.read(path), TOPLEVEL_BINDING, path) }
  unless specification.is_a?(Pod::Specification)
    raise Pod::Informative, 'the podspec evaluates to no specification'
  end

  specification.check(File.basename(path))
  puts JSON.generate(specification.to_h)
rescue StandardError, SyntaxError => e
  at = e.backtrace&.find { |line| line.start_with?(path) }
  warn "#{at || path}: #{e.message} (#{e.class})"
  exit 1
end
