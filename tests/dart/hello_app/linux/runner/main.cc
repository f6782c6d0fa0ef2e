#include <flutter_linux/flutter_linux.h>
#include <gtk/gtk.h>

#include "generated_plugin_registrant.h"

static void activate(GtkApplication* application, gpointer) {
  GtkWindow* window = GTK_WINDOW(gtk_application_window_new(application));
  g_autoptr(FlDartProject) project = fl_dart_project_new();
  FlView* view = fl_view_new(project);
  gtk_widget_show(GTK_WIDGET(view));
  gtk_container_add(GTK_CONTAINER(window), GTK_WIDGET(view));
  fl_register_plugins(FL_PLUGIN_REGISTRY(view));
  gtk_widget_show(GTK_WIDGET(window));
  gtk_widget_grab_focus(GTK_WIDGET(view));
}

int main(int argc, char** argv) {
  g_autoptr(GtkApplication) application =
      gtk_application_new(APPLICATION_ID, G_APPLICATION_NON_UNIQUE);
  g_signal_connect(application, "activate", G_CALLBACK(activate), nullptr);
  return g_application_run(G_APPLICATION(application), argc, argv);
}
