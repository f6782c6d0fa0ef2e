/* Configures the project of a build file, then runs what it does before an app is built. */
package org.gradle

import java.io.File

fun main(arguments: Array<String>) {
    val (kind, folder) = arguments
    val settings = Settings()
    val properties = arguments.drop(2).associate { it.substringBefore("=") to it.substringAfter("=") }
    val project = Project(File(folder), properties)
    if (kind == "runtime") {
        settings.runtimeSettings()
        project.runtimeBuild()
    } else {
        settings.modelSettings()
        project.modelBuild()
    }
    println("root ${settings.rootProject.name}")
    project.tasks.preBuild.actions
        .forEach { action -> project.tasks.preBuild.action() }
    println("built")
}
