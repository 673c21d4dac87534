from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0006_snapshots_once'),
    ]

    operations = [
        migrations.AlterField(
            model_name='device',
            name='platform',
            field=models.CharField(choices=[('cisco_ios', 'Cisco IOS'), ('arista_eos', 'Arista EOS'), ('juniper_junos', 'Juniper Junos'), ('linux', 'Linux'), ('windows', 'Windows')], max_length=40),
        ),
    ]
