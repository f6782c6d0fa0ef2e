#include "my_application.h"

#include <flutter_linux/flutter_linux.h>

#include "flutter/generated_plugin_registrant.h"

struct _MyApplication {
  GtkApplication parent_instance;
  // What stood on the command line after the program's name.
  char** dart_arguments;
};

G_DEFINE_TYPE(MyApplication, my_application, GTK_TYPE_APPLICATION)

namespace {

constexpr char kTitle[] = "tvmplug speech";
constexpr int kWidth = 1280;
constexpr int kHeight = 800;

// Opens the window. Flutter starts when its view is shown.
void Activate(GApplication* application) {
  MyApplication* self = MY_APPLICATION(application);
  GtkWidget* window = gtk_application_window_new(GTK_APPLICATION(application));
  gtk_window_set_title(GTK_WINDOW(window), kTitle);
  gtk_window_set_default_size(GTK_WINDOW(window), kWidth, kHeight);

  g_autoptr(FlDartProject) project = fl_dart_project_new();
  fl_dart_project_set_dart_entrypoint_arguments(project, self->dart_arguments);

  FlView* view = fl_view_new(project);
  gtk_container_add(GTK_CONTAINER(window), GTK_WIDGET(view));
  gtk_widget_show_all(window);

  fl_register_plugins(FL_PLUGIN_REGISTRY(view));
  gtk_widget_grab_focus(GTK_WIDGET(view));
}

// Keeps the arguments for Dart, so that GTK does not refuse those that it does not know.
gboolean LocalCommandLine(GApplication* application, gchar*** arguments, int* exit_status) {
  MyApplication* self = MY_APPLICATION(application);
  g_strfreev(self->dart_arguments);
  self->dart_arguments = g_strdupv(*arguments + 1);

  g_autoptr(GError) error = nullptr;
  if (!g_application_register(application, nullptr, &error)) {
    g_printerr("cannot start: %s\n", error->message);
    *exit_status = 1;
    return TRUE;
  }
  g_application_activate(application);
  *exit_status = 0;
  return TRUE;
}

void Dispose(GObject* object) {
  g_clear_pointer(&MY_APPLICATION(object)->dart_arguments, g_strfreev);
  G_OBJECT_CLASS(my_application_parent_class)->dispose(object);
}

}  // namespace

static void my_application_class_init(MyApplicationClass* klass) {
  G_APPLICATION_CLASS(klass)->activate = Activate;
  G_APPLICATION_CLASS(klass)->local_command_line = LocalCommandLine;
  G_OBJECT_CLASS(klass)->dispose = Dispose;
}

static void my_application_init(MyApplication*) {}

MyApplication* my_application_new() {
  // Desktops match a window with its .desktop file by this name.
  g_set_prgname(APPLICATION_ID);
  // Not unique: the app may be started twice.
  return MY_APPLICATION(g_object_new(my_application_get_type(), "application-id", APPLICATION_ID,
                                     "flags", G_APPLICATION_NON_UNIQUE, nullptr));
}
