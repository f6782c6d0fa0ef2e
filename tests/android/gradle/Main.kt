/* Configures a build file's project, then runs what it does before an app is built. */
package org.gradle

import java.io.File

fun main(arguments: Array<String>) {
    Settings().apply { settingsScript() }.also { println("root ${it.rootProject.name}") }
    val properties = arguments.drop(1).associate { it.substringBefore("=") to it.substringAfter("=") }
    val project = Project(File(arguments[0]), properties).apply { buildScript() }
    project.tasks.preBuild.actions.forEach { action -> project.tasks.preBuild.action() }
    println("built")
}
