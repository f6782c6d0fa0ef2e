/* The version of Java's virtual machine that Kotlin compiles for. */
package org.jetbrains.kotlin.gradle.dsl

enum class JvmTarget { JVM_17 }
