/*
 * As much of Gradle's and of Android's Gradle plugin as the templates' build files use, with the
 * types that those have. Gradle itself is in no package registry of this machine.
 */
package org.gradle

import java.io.File

class GradleException(
    message: String,
) : RuntimeException(message)

enum class JavaVersion { VERSION_17 }

class PluginVersion(
    val id: String,
) {
    infix fun version(version: String) = println("plugin $id $version")
}

class Plugins {
    fun id(id: String) = PluginVersion(id).also { println("plugin $id") }
}

class DefaultConfig {
    var minSdk: Int? = null

    fun consumerProguardFiles(vararg files: String) = println("rules ${files.joinToString()}")
}

class CompileOptions {
    var sourceCompatibility: JavaVersion? = null
    var targetCompatibility: JavaVersion? = null
}

class Android {
    var namespace: String? = null
    var compileSdk: Int? = null
    var ndkVersion: String = ""
    private val defaults = DefaultConfig()
    private val options = CompileOptions()

    fun defaultConfig(configure: DefaultConfig.() -> Unit) = defaults.configure()

    fun compileOptions(configure: CompileOptions.() -> Unit) = options.configure()

    override fun toString() =
        "android $namespace compileSdk=$compileSdk minSdk=${defaults.minSdk} ndk=$ndkVersion " +
            "${options.sourceCompatibility} ${options.targetCompatibility}"
}

open class Task {
    val actions = mutableListOf<Task.() -> Unit>()

    fun doFirst(action: Task.() -> Unit) = actions.add(0, action)
}

class TaskCollection<T>(
    private val all: List<T>,
) {
    fun configureEach(configure: T.() -> Unit) = all.forEach { it.configure() }
}

class Tasks {
    val preBuild = Task()
    val compile = listOf(org.jetbrains.kotlin.gradle.tasks.KotlinJvmCompile())

    fun named(
        name: String,
        configure: Task.() -> Unit,
    ) {
        require(name == "preBuild") { "there is no task $name" }
        preBuild.configure()
    }

    inline fun <reified T : Task> withType() = TaskCollection(compile.filterIsInstance<T>())
}

class Provider<T>(
    val orNull: T?,
)

class Providers(
    private val properties: Map<String, String>,
) {
    fun gradleProperty(name: String) = Provider(properties[name])
}

class Repositories {
    fun google() = println("repository google")

    fun mavenCentral() = println("repository mavenCentral")

    fun gradlePluginPortal() = println("repository gradlePluginPortal")
}

class Management {
    fun repositories(configure: Repositories.() -> Unit) = Repositories().configure()

    fun plugins(configure: Plugins.() -> Unit) = Plugins().configure()
}

class RootProject {
    var name: String = ""
}

class Settings {
    val rootProject = RootProject()

    fun pluginManagement(configure: Management.() -> Unit) = Management().configure()

    fun dependencyResolutionManagement(configure: Management.() -> Unit) = Management().configure()
}

class Project(
    private val folder: File,
    properties: Map<String, String>,
) {
    val tasks = Tasks()
    val providers = Providers(properties)
    private val android = Android()

    fun plugins(configure: Plugins.() -> Unit) = Plugins().configure()

    fun android(configure: Android.() -> Unit) {
        android.configure()
        println(android)
    }

    fun file(path: String) = File(folder, path)
}
