/* The task and its options that Kotlin's Gradle plugin and Android's own Kotlin have in common. */
package org.jetbrains.kotlin.gradle.tasks

import org.jetbrains.kotlin.gradle.dsl.JvmTarget

class CompilerOptions {
    var jvmTarget: JvmTarget? = null
}

class KotlinJvmCompile : org.gradle.Task() {
    private val options = CompilerOptions()

    fun compilerOptions(configure: CompilerOptions.() -> Unit) {
        options.configure()
        println("kotlin ${options.jvmTarget}")
    }
}
